"""The scripts of hack/ say how they are used, refuse what they do not know, and name the step that failed."""
import pathlib
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]


def run(*command, **options):
    return subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL, **options
    )


def run_steps(folder, script):
    text = f"set -euo pipefail\nsource {ROOT}/hack/steps.sh\n{script}\n"
    return run("bash", "-c", text, cwd=folder)


@pytest.mark.parametrize("script, option", [("test", "--help"), ("check", "--nonsense"), ("lint", "--nonsense")])
def test_usage_is_told_from_any_folder(tmp_path, script, option):
    told = run(ROOT / "hack" / script, option, cwd=tmp_path)

    assert told.returncode == (0 if option == "--help" else 2)
    assert f"hack/{script}" in told.stdout + told.stderr


def test_a_nomad_that_is_no_program_is_refused_before_anything_is_built(tmp_path):
    (tmp_path / "nomad").write_text("not executable")
    for path in ([], ["nomad"], ["missing"], ["."]):
        refused = run(ROOT / "hack/test", "--nomad", *path, cwd=tmp_path)

        assert refused.returncode == 2, path
        assert "--nomad needs the path" in refused.stderr


def test_setup_is_quick_when_there_is_nothing_to_do():
    seconds = []
    for _ in range(3):  # Other tests run beside this one: the best counts.
        began = time.monotonic()
        done = run(ROOT / "hack/setup")
        seconds.append(time.monotonic() - began)
        assert done.returncode == 0
        assert "nothing to do" in done.stdout
    assert min(seconds) < 1


def test_a_step_keeps_its_output_in_a_log(tmp_path):
    done = run_steps(tmp_path, 'step "build it" echo a lot of output\necho went on')

    assert done.returncode == 0
    assert "build it" in done.stdout and "went on" in done.stdout
    assert "a lot of output" not in done.stdout
    assert (tmp_path / ".cache/log/build-it.log").read_text() == "a lot of output\n"


def test_a_step_that_fails_ends_the_script_and_names_itself_and_its_log(tmp_path):
    script = 'work() { echo the reason; false; echo not this; }\nstep "build it" work\necho went on'
    failed = run_steps(tmp_path, script)

    assert failed.returncode == 1
    assert "went on" not in failed.stdout
    assert '"build it" failed' in failed.stderr
    assert "the reason" in failed.stderr and "not this" not in failed.stderr
    assert str(tmp_path / ".cache/log/build-it.log") in failed.stderr


def test_a_step_hands_on_its_exit_code(tmp_path):
    assert run_steps(tmp_path, 'step "one" true\nstep "two" bash -c "exit 7"').returncode == 7

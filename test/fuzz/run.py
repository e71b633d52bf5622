#!/usr/bin/env python3
"""Runs one target of the fuzzer from the inputs that are kept for it.

    test/fuzz/run.py build/fuzz/test/fuzz/fuzz_resp --runs 1000000 --max-len 256
    test/fuzz/run.py build/fuzz/test/fuzz/fuzz_resp --minutes 10       # look for new ones
    test/fuzz/run.py build/fuzz/test/fuzz/fuzz_resp --input crash-...  # see what one does
    test/fuzz/run.py build/fuzz/test/fuzz/fuzz_resp --keep 40          # keep what reaches more than what is kept

Without --minutes the same inputs are made every time. What is found goes to a folder of its own, never to the
repository; --keep puts the smallest inputs there that reach something new. An input that fails belongs into a unit test.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

FUZZ = pathlib.Path(__file__).resolve().parent
# What an input of a kilobyte may take at once, and the whole process (the sanitizers' shadow included).
BOUNDS = ["-malloc_limit_mb=16", "-rss_limit_mb=1024", "-timeout=10"]


def environment(all_frames):
    # Short stacks and a small quarantine: a million inputs allocate often, and live for microseconds.
    stack = 30 if all_frames else 1
    asan = f"malloc_context_size={stack}:quarantine_size_mb=4:detect_leaks=1:allocator_may_return_null=0"
    return {**os.environ, "ASAN_OPTIONS": asan, "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}


def run(command, all_frames=False):
    return subprocess.run(command, env=environment(all_frames), check=False).returncode


def keep(program, corpus, found, most, max_len):
    """Merges what was found into the corpus: the smallest inputs that together reach everything."""
    with tempfile.TemporaryDirectory() as merged:
        run([program, "-merge=1", f"-max_len={max_len}", *BOUNDS, merged, str(corpus), str(found)])
        inputs = sorted(pathlib.Path(merged).iterdir(), key=lambda path: (path.stat().st_size, path.name))
        named = [path for path in corpus.iterdir() if "." in path.name]  # Written by people.
        for path in corpus.iterdir():
            if path not in named:
                path.unlink()
        for path in inputs[: max(0, most - len(named))]:
            shutil.copy(path, corpus / path.name[:12])
    print(f"{len(list(corpus.iterdir()))} inputs in {corpus}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--max-len", type=int, default=512)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--input")
    parser.add_argument("--keep", type=int)
    options = parser.parse_args()

    program = pathlib.Path(options.program).resolve()
    target = program.name.removeprefix("fuzz_")
    corpus = FUZZ / "corpus" / target
    found = program.parent / "found" / target
    if options.input:
        return run([program, *BOUNDS, options.input], all_frames=True)
    if options.keep:
        keep(program, corpus, found, options.keep, options.max_len)
        return 0
    command = [program, f"-max_len={options.max_len}", *BOUNDS, "-print_final_stats=1"]
    words = FUZZ / "words" / f"{target}.dict"
    if words.exists():
        command.append(f"-dict={words}")
    if options.minutes:
        command.append(f"-max_total_time={round(options.minutes * 60)}")
    else:
        shutil.rmtree(found, ignore_errors=True)
        # What takes long and finds nothing in so short a time: choosing by rarity, writing each smaller input to disk.
        command += [f"-runs={options.runs}", "-seed=1", "-entropic=0", "-reduce_inputs=0", "-reload=0"]
    found.mkdir(parents=True, exist_ok=True)
    command += [f"-artifact_prefix={found}/", str(found), str(corpus)]
    status = run(command)
    if status != 0:
        print(f"\nfuzz {target}: an input failed (see above); it is kept in {found}.\n"
              f"again: test/fuzz/run.py {options.program} --input THAT_FILE")
    return status


if __name__ == "__main__":
    sys.exit(main())

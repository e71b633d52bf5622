"""Runs files of this folder beside each other, since they mostly wait: each in a process, and so in a network of its own.

    side_by_side.py test_outage.py test_operators.py

What they say comes one after the other. Exits 1 when one of them fails.
"""

import pathlib
import sys
import tempfile

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent / "support"))

from lab.process import Process, wait_until  # noqa: E402


def main() -> int:
    failed = 0
    with tempfile.TemporaryDirectory() as logs:
        runs = []
        for name in sys.argv[1:]:
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(FOLDER / name)]
            runs.append(Process(name, command, pathlib.Path(logs) / name))
        for run in runs:
            wait_until(f"{run.name} ends", lambda run=run: not run.alive(), 600, every=0.1)
            print(run.log.read_text(errors="replace"), flush=True)
            failed += run.stop() != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

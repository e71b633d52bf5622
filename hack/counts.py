#!/usr/bin/env python3
"""Adds up what the tests of one run of ctest say of themselves: hack/counts.py build/Testing/Temporary/LastTest.log"""

import re
import sys
from collections import Counter
from pathlib import Path


def tests_of(log: str) -> dict[tuple[str, str], tuple[str, bool]]:
    """What each test printed and whether it passed, by its name and its build."""
    found = {}
    for part in re.split(r"^\d+/\d+ Testing: ", log, flags=re.MULTILINE)[1:]:
        name = part.split("\n", 1)[0]
        build = re.search(r"^Directory: .*/build/(\w+)/", part, re.MULTILINE)
        printed = re.search(r"^-{10,}\n(.*)^<end of output>", part, re.MULTILINE | re.DOTALL)
        passed = re.search(r"^Test Passed\.$", part, re.MULTILINE) is not None
        found[name, build[1] if build else ""] = printed[1] if printed else "", passed
    return found


def number(text: str, pattern: str) -> int:
    return sum(int(found) for found in re.findall(pattern, text, re.MULTILINE))


def counts_of(tests: dict[tuple[str, str], tuple[str, bool]]) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = {}
    for (name, build), (text, passed) in tests.items():
        sanitized = " sanitized" if build == "asan" else ""
        if name.startswith("simulation.seeds_"):
            row = counts.setdefault("seeds" + sanitized, Counter())
            row["lives"] += number(text, r"^(\d+) seeds, ")
            row["failed"] += number(text, r"^\d+ seeds, (\d+) failed")
            row["clusters formed"] += number(text, r"(\d+) clusters formed")
            row["commands judged"] += number(text, r"(\d+) commands checked")
            row["faults"] += number(text[text.find("\nfaults:") :], r"=(\d+)")
        elif name.startswith("simulation.story."):
            counts.setdefault("kept stories" + sanitized, Counter())["passed" if passed else "failed"] += 1
        elif name == "simulation.crash_points":
            row = counts.setdefault("crash points" + sanitized, Counter())
            row["effects"] += number(text, r"^(\d+) effects")
            row["points"] += number(text, r"^\d+ effects, killed at (\d+) points")
            row["failed"] += number(text, r"points, (\d+) failed")
        elif "random_scripts" in name:
            row = counts.setdefault("conformance", Counter())
            row["scripts"] += number(text, r"^(\d+) random scripts")
            row["failed"] += number(text, r"^\d+ random scripts, (\d+) failed")
            row["replies and states"] += number(text, r"(\d+) replies and") + number(text, r"(\d+) states compared")
            row["tried twice"] += number(text, r"(\d+) scripts were tried twice")
        elif name.startswith("fuzz."):
            row = counts.setdefault("fuzzing", Counter())
            row["readers"] += 1
            row["inputs"] += number(text, r"number_of_executed_units: (\d+)")
        elif found := re.search(r"^.*(?:passed|failed|error).* in [\d.]+s.*$", text, re.MULTILINE):  # pytest's last line
            place = "fault lab" if name.startswith("faults") else name.split("_", 1)[0]
            row = counts.setdefault("stories: " + place, Counter())
            for what in ("passed", "failed", "error", "skipped"):
                if stories := number(found[0], rf"(\d+) {what}"):
                    row[what] += stories
        else:
            counts.setdefault("single tests" + sanitized, Counter())["passed" if passed else "failed"] += 1
    return counts


def main() -> None:
    counts = counts_of(tests_of(Path(sys.argv[1]).read_text(errors="replace")))
    print("counts:")
    for row in sorted(counts):
        print(f"  {row:<24}", ", ".join(f"{value:,} {what}" for what, value in counts[row].items()))


if __name__ == "__main__":
    main()

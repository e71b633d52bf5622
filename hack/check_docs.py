#!/usr/bin/env python3
"""Checks that the documents are in step with the tree: every relative link of a Markdown file leads to a file and to a
heading that exist, every file of ours that is named in `code` or in a fenced block is there, and the reasons of
conditions that the code gives are those of docs/reference/conditions.md, and the commands that the code sends to Redis
are those that the documented ACL user may use.

    hack/check_docs.py             # every Markdown file that git knows or would add

Prints path:line: message. Exits 1 on any finding.
"""
import pathlib
import re
import sys

from check_style import ROOT, line_of, tracked_files

LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.S | re.M)
IN_LINE = re.compile(r"`([^`\n]+)`")
FOLDERS = "api|reconcilers|operator|manifests|charts|test|hack|docs"
# A path from the root, or ./one; not the middle of a URL or of another path.
NAMED = re.compile(rf"(?<![\w./<*-])(?:\./)?((?:{FOLDERS})/[\w.*/-]*+)(?![<{{])")


def headings(text):
    """The anchors of a document, made as GitHub makes them."""
    anchors = set()
    for title in re.findall(r"^#+\s+(.+?)\s*$", FENCE.sub("", text), re.M):
        words = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        count = sum(1 for anchor in anchors if re.fullmatch(rf"{re.escape(words)}(-\d+)?", anchor))
        anchors.add(f"{words}-{count}" if count else words)
    return anchors


def check_links(path, text, root):
    prose = FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    for match in LINK.finditer(prose):
        number = line_of(text, match.start())
        target, _, anchor = match[1].partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = (root / path).parent / target
        if target and not file.exists():
            yield number, f"the link leads nowhere: {target}"
        elif anchor and (not target or file.suffix == ".md"):
            if anchor not in headings(file.read_text() if target else text):
                yield number, f"no heading #{anchor} in {target or path}"


def check_named_files(path, text, root):
    places = [(match.start(), match[0]) for match in FENCE.finditer(text)]
    prose = FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    places += [(match.start(1), match[1]) for match in IN_LINE.finditer(prose)]
    for start, place in places:
        for match in NAMED.finditer(place):
            name = match[1].rstrip("./-")  # A sentence may end here.
            there = any(root.glob(name)) if "*" in name else (root / name).exists()
            if not there:
                yield line_of(text, start + match.start()), f"there is no {name}"


REASON = re.compile(r'"([A-Z][a-z]+(?:[A-Z][a-z]+)*)"')
REASONS_DOCUMENT = "docs/reference/conditions.md"


def reasons_given(sources):
    return set().union(*(REASON.findall(text) for text in sources))


def reasons_documented(text):
    """The first cells of the table whose head is `reason`: one word, or several with commas."""
    rows = text.partition("| reason |")[2].splitlines()
    cells = [match[1] for row in rows if (match := re.match(r"\| ([A-Z][\w, ]+?) \|", row))]
    return {word for cell in cells for word in cell.split(", ")}


def check_reasons(text, sources):
    given, documented = reasons_given(sources), reasons_documented(text)
    for reason in sorted(given - documented):
        yield f"the reason {reason} is not explained"
    for reason in sorted(documented - given):
        yield f"nothing gives the reason {reason} any more"


# A row of the table in operator/commands/reasons.cpp.
EXPLAINED = re.compile(r'Explanation\{\s*"(\w+)"')
EXPLANATIONS = "operator/commands/reasons.cpp"


def check_explanations(text, source):
    documented, explained = reasons_documented(text), set(EXPLAINED.findall(source))
    for reason in sorted(documented ^ explained):
        yield f"the reason {reason} stands in one of the two only: {REASONS_DOCUMENT}, {EXPLANATIONS}"


# Whatever else stands in braces, as the beginnings of errors, is no command.
COMMAND = re.compile(
    r'\{"(ACL|ASKING|CLIENT|CLUSTER|COMMAND|CONFIG|DBSIZE|EXEC|FAILOVER|FUNCTION|INFO|LATENCY|MEMORY|MIGRATE|MULTI|PING|'
    r'PSYNC|READONLY|REPLCONF|REPLICAOF|ROLE|SCAN|SENTINEL|SHUTDOWN|WAIT)"(?:,\s*"([A-Z-]{2,})")?'
)
RIGHT = re.compile(r"\+([a-z|-]+)")
RIGHTS_DOCUMENTS = ("docs/operations/redis-access.md", "manifests/examples/redis-secrets.conf")


def commands_sent(sources):
    pairs = set().union(*(COMMAND.findall(text) for text in sources))
    return {f"{name}|{sub}".lower().strip("|") for name, sub in pairs}


def rights_documented(text):
    """Of the line that begins `user redis-operator`."""
    line = next((line for line in text.splitlines() if line.startswith("user redis-operator ")), "")
    return set(RIGHT.findall(line))


def check_rights(text, sources):
    sent, documented = commands_sent(sources), rights_documented(text)
    for command in sorted(sent - documented):
        yield f"the operator sends {command}, which its user may not use"
    for command in sorted(documented - sent):
        yield f"the operator's user may use {command}, which nobody sends"


SCENARIOS_DOCUMENT = "docs/development/scenarios.md"
STORIES = "test/simulation/stories/"
PYTHON_TEST = re.compile(r"^def (test_\w+)", re.M)
CPP_TEST = re.compile(r"^TEST(?:_[FP])?\(\s*(\w+),\s*(\w+)\s*\)", re.M)
NUMBERED = re.compile(r"(?:test_|story |Scenario\w*\.)((?:\d{3}_)+)")
NAMED_TEST = re.compile(r"`(test_\w+|story \w+|[A-Z]\w+\.\w+)`")


def tests_of(path, text):
    if path.endswith(".py"):
        return set(PYTHON_TEST.findall(text))
    if path.endswith(".txt"):
        return {f"story {pathlib.Path(path).stem}"} if path.startswith(STORIES) else set()
    return {f"{suite}.{name}" for suite, name in CPP_TEST.findall(text)}


def check_scenarios(text, tests):
    """`tests`: the names of all that there are. A numbered one must stand in the rows of its numbers."""
    named, rows = {}, {}
    for number, line in enumerate(text.splitlines(), start=1):
        row = re.match(r"\| (\d{3}) \|", line)
        for name in NAMED_TEST.findall(line):
            named.setdefault(name, set()).add(row[1] if row else "")
            if name not in tests:
                yield number, f"there is no test {name}"
        if row and row[1] in rows:
            yield number, f"scenario {row[1]} has two rows"
        if row:
            rows[row[1]] = number
    for name in sorted(tests):
        for scenario in (match[1].split("_")[:-1] if (match := NUMBERED.match(name)) else []):
            if scenario not in named.get(name, ()):
                yield rows.get(scenario, 1), f"the row of scenario {scenario} does not name {name}"


def check_document(path, text, root=ROOT):
    return sorted({*check_links(path, text, root), *check_named_files(path, text, root)})


def main():
    findings = 0
    for path in tracked_files():
        if path.endswith(".md"):
            for line, message in check_document(path, (ROOT / path).read_text()):
                print(f"{path}:{line}: {message}")
                findings += 1
    tests = set()
    for path in tracked_files():
        if path.startswith("test/") and path.endswith((".py", ".cpp", ".txt")):
            tests |= tests_of(path, (ROOT / path).read_text())
    for line, message in check_scenarios((ROOT / SCENARIOS_DOCUMENT).read_text(), tests):
        print(f"{SCENARIOS_DOCUMENT}:{line}: {message}")
        findings += 1
    document = ROOT / REASONS_DOCUMENT
    sources = [file.read_text() for file in ROOT.glob("reconcilers/*.cpp")]
    sources.append((ROOT / "operator/commands/shown.cpp").read_text())
    explanations = check_explanations(document.read_text(), (ROOT / EXPLANATIONS).read_text())
    for message in [*check_reasons(document.read_text(), sources), *explanations]:
        print(f"{REASONS_DOCUMENT}: {message}")
        findings += 1
    sources = [file.read_text() for name in ("redis", "observe", "execute") for file in ROOT.glob(f"operator/{name}/*.cpp")]
    for document in RIGHTS_DOCUMENTS:
        for message in check_rights((ROOT / document).read_text(), sources):
            print(f"{document}: {message}")
            findings += 1
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())

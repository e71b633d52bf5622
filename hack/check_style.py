#!/usr/bin/env python3
"""Checks what the compiler, clang-format and clang-tidy cannot: who may include whom, where time and chance may come
from, how a co_await may stand in a statement, and which names and hosts the project does not use.

    hack/check_style.py            # every file that git knows or would add
    hack/check_style.py FILE...    # these files

Prints path:line: message. Exits 1 on any finding; a note (a file that grows long) is only printed.
docs/architecture.md says what the layers are for.
"""
import pathlib
import re
import subprocess
import sys
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parent.parent


@dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int
    message: str
    fails: bool = True

    def __str__(self):
        return f"{self.path}:{self.line}: {self.message}"


# --- Layers ---------------------------------------------------------------------------------------------------------

SHELL = ["api", "operator/ports", "operator/telemetry", "operator/runtime"]
NETWORK = [*SHELL, "operator/net"]
PROTOCOLS = ["operator/redis", "operator/consul", "operator/nomad"]
EVERYTHING = ["api", "reconcilers", "operator"]

# folder -> what it may include besides itself. The longest folder that holds a file counts.
MAY_INCLUDE = {
    "api": [],
    "reconcilers": ["api"],
    "operator/config": ["api", "operator/ports", "operator/loop"],
    "operator/ports": ["api"],
    "operator/telemetry": ["api"],
    "operator/runtime": SHELL,
    "operator/net": SHELL,
    "operator/redis": NETWORK,
    "operator/consul": NETWORK,
    "operator/nomad": NETWORK,
    "operator/web": NETWORK,
    "operator/observe": NETWORK + PROTOCOLS,
    "operator/execute": NETWORK + PROTOCOLS,
    "operator/loop": [*NETWORK, *PROTOCOLS, "operator/observe", "operator/execute", "reconcilers"],
    "operator/commands": EVERYTHING,
    "operator": EVERYTHING,
    # The simulator implements the ports, so it stays away from their real side. Of the protocols it may use what only
    # parses: see reaches_network().
    "test/simulation": [*SHELL, "reconcilers", "operator/observe", "operator/execute", "operator/loop", "test/support"],
    "test": [*EVERYTHING, "test"],
}

INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)
NETWORK_INCLUDE = re.compile(r'^#include ["<](boost/asio/ip|boost/beast|operator/net)[/.]', re.M)


def folder_of(path):
    return max((f for f in MAY_INCLUDE if path.startswith(f + "/")), key=len, default=None)


def is_below(path, folders):
    return any(path.startswith(folder + "/") for folder in folders)


def reaches_network(path, root, seen=None):
    """Whether a header, or one that it includes, is made of sockets."""
    seen = set() if seen is None else seen
    file = root / path
    if path in seen or not file.is_file():
        return False
    seen.add(path)
    text = file.read_text()
    if NETWORK_INCLUDE.search(text):
        return True
    return any(reaches_network(path, root, seen) for path in INCLUDE.findall(text))


def check_includes(path, text, root):
    mine = folder_of(path)
    if mine is None:
        return
    for match in INCLUDE.finditer(text):
        theirs, number = match[1], line_of(text, match.start())
        if not (root / theirs).is_file():
            yield number, f"no {theirs}: includes of ours are written from the root"
        elif mine == "test/simulation" and is_below(theirs, PROTOCOLS):
            if reaches_network(theirs, root):
                yield number, f"the simulator may not include {theirs}, it is the real side of a port"
        elif not is_below(theirs, [mine, *MAY_INCLUDE[mine]]):
            yield number, f"{mine} may not include {theirs}"
    if path.endswith(".hpp") and "#pragma once" not in text:
        yield 1, "a header starts with #pragma once"


# library -> the folders that may name it: everybody else sees a facade of ours, and compiles in a second.
LIBRARIES = {
    "boost/beast": ["operator/net", "operator/web", "test"],
    "boost/asio/ssl": ["operator/net", "operator/web", "test"],
    "boost/asio": ["operator", "test"],
    "boost/url": ["operator", "test"],
    "spdlog": ["operator/telemetry"],
    "prometheus": ["operator/telemetry"],
    "hiredis": ["operator/redis", "test"],
    "CLI": ["operator/commands", "operator/config"],
    "openssl": ["operator/net", "test"],
}
NOT_IN_HEADERS = {"boost/beast": "hide it behind a pimpl", "boost/json": "name boost/json/fwd.hpp"}
UMBRELLAS = ("boost/asio.hpp", "boost/beast.hpp", "boost/outcome.hpp", "boost/url.hpp")


def check_libraries(path, text):
    for match in re.finditer(r"^#include <([^>]+)>", text, re.M):
        header, number = match[1], line_of(text, match.start())
        library = max((name for name in LIBRARIES if header.startswith(name + "/")), key=len, default=None)
        if library and not is_below(path, LIBRARIES[library]):
            yield number, f"only {', '.join(LIBRARIES[library])} may include <{library}/…>"
        if header in UMBRELLAS:
            yield number, f"<{header}> costs a second of every build: include what is used"
        for name, instead in NOT_IN_HEADERS.items():
            if path.endswith(".hpp") and header.startswith(name) and not header.endswith("fwd.hpp"):
                yield number, f"<{header}> in a header: {instead}"


# --- Purity ---------------------------------------------------------------------------------------------------------

PURE = ["api", "reconcilers"]
REPEATABLE = [*PURE, "test/simulation"]
# The real side of the time and random ports.
TIME_PORT = ["operator/runtime"]

IMPURE = {
    r"\b(co_await|co_return|co_yield)\b": "no coroutines in the pure core",
    r"\b(getenv|fopen|ifstream|ofstream|std::cout|std::cerr)\b": "no I/O in the pure core",
}
UNREPEATABLE = {r"\bstd::unordered_": "unordered containers make plans differ from run to run"}
UNCONTROLLED = {
    r"\bsteady_timer\b|\bdeadline_timer\b|\bsystem_timer\b": "waiting goes through the time port",
    r"_clock::now\(|\bclock_gettime\b|\bgettimeofday\b": "time comes from the time port",
    r"\bthis_thread::sleep|\busleep\(": "waiting goes through the time port",
    r"\brandom_device\b|\brand\(": "chance comes from the random port, or from a seed",
}


def check_purity(path, code):
    rules = {}
    if is_below(path, PURE):
        rules |= IMPURE
    if is_below(path, REPEATABLE):
        rules |= UNREPEATABLE
    if is_below(path, [*REPEATABLE, "operator"]) and not is_below(path, TIME_PORT):
        rules |= UNCONTROLLED
    for pattern, why in rules.items():
        for match in re.finditer(pattern, code):
            yield line_of(code, match.start()), f"{match[0]}: {why}"


# --- Coroutines -----------------------------------------------------------------------------------------------------
# One await, one statement. Whatever stands beside a co_await (braces, lambdas that capture values, ?:) gets a name on
# the line above: the code reads in the order in which it runs, and compilers that get such temporaries wrong (g++ 12
# destroys them twice) are no danger.

LAMBDA = re.compile(r"\[([^\[\]]*)\]\s*(\([^()]*\))?\s*(mutable\s*)?(noexcept\s*)?(->[^{;]*)?\{")
OPENS_BLOCK = re.compile(r"(\)|:|\belse|\bdo|\btry|\bconst|\bnoexcept|\boverride|->[^(){}]*)\s*$")
DECLARES = re.compile(r"\b(struct|class|namespace|enum|union)\b")
RETURNS_AWAITABLE = re.compile(r"\bawaitable<[^;{}()=]*>\s+(?:\w+::)*~?\w+\s*\(")


def closing(text, start):
    """The offset just after the bracket that closes the one at `start`."""
    depth = 0
    for offset in range(start, len(text)):
        depth += text[offset] in "([{"
        depth -= text[offset] in ")]}"
        if depth == 0:
            return offset + 1
    return len(text)


def start_of_statement(code, offset):
    return max(code.rfind(mark, 0, offset) for mark in ";{}") + 1


def end_of_statement(code, offset):
    depth = 0
    while offset < len(code) and not (code[offset] == ";" and depth <= 0):
        depth += code[offset] in "([{"
        depth -= code[offset] in ")]}"
        if depth < 0:
            break
        offset += 1
    return offset


def opens_initializer(code, brace):
    """True for the brace of `Type{...}` or `name{...}`, false for the brace of a block."""
    before = code[start_of_statement(code, brace) : brace]
    return bool(before.strip()) and not OPENS_BLOCK.search(before) and not DECLARES.search(before)


def captures_a_value(captures):
    names = [name.strip() for name in captures.split(",")]
    return any(name and not name.startswith("&") and name != "this" for name in names)


def without_lambdas(statement):
    """The statement with its lambdas blanked, and whether one of them captures a value."""
    by_value = False
    for match in LAMBDA.finditer(statement):
        by_value = by_value or captures_a_value(match[1])
        end = closing(statement, match.end() - 1)
        blank = re.sub(r"[^\n]", " ", statement[match.start() : end])
        statement = statement[: match.start()] + blank + statement[end:]
    return statement, by_value


def check_awaits(code):
    for match in re.finditer(r"\b(if|while|switch|for)\s*(?:constexpr\s*)?\(", code):
        if "co_await" in code[match.end() : closing(code, match.end() - 1)]:
            yield line_of(code, match.start()), f"co_await inside {match[1]} (...): name its result first"
    for match in re.finditer(r"\bco_await\b", code):
        number = line_of(code, match.start())
        start = start_of_statement(code, match.start())
        if start and code[start - 1] == "{" and opens_initializer(code, start - 1):
            yield number, "co_await inside braces: name its result first"
        statement, by_value = without_lambdas(code[start : end_of_statement(code, match.end())])
        if by_value:
            yield number, "lambda that captures values beside co_await: name it first"
        if "?" in statement:
            yield number, "co_await beside ?: use if/else"
        if "{" in statement:
            yield number, "braces beside co_await: name the value first"


def check_coroutine_parameters(code):
    for match in RETURNS_AWAITABLE.finditer(code):
        parameters = code[match.end() : closing(code, match.end() - 1) - 1]
        number = line_of(code, match.start())
        if re.search(r"=\s*[\w:]*\{", parameters):
            yield number, "braces in a default argument of a coroutine: overload it"
        while re.search(r"<[^<>]*>", parameters):
            parameters = re.sub(r"<[^<>]*>", "", parameters)
        if "&" in parameters:
            yield number, "a coroutine takes values: a reference may be gone when it wakes up"


# --- Words ----------------------------------------------------------------------------------------------------------

EMPTY_WORDS = {"manager", "managers", "helper", "helpers", "util", "utils", "utility", "utilities"}
EMPTY_TYPE = re.compile(r"\b(?:struct|class|enum class|using)\s+(\w+(?:Info|Data))\b")
# The wire protocol says them, and so do the servers' recorded answers; its fields (master_link_status) may be quoted.
OLD_NAMES = re.compile(r"\b\w*(?:master|slave)\w*", re.I)
OLD_WORDS = re.compile(r"\b(?:master|slave)s?\b(?![-_])", re.I)
SPEAKS_OLD_WORDS = ["operator/redis", "test"]


def words_of(name):
    """`HttpClientManager` and `http_client_manager` are the same words."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def check_names(path, text, code):
    for match in re.finditer(r"\b[A-Za-z_]\w*", code):
        for word in words_of(match[0]) & EMPTY_WORDS:
            yield line_of(code, match.start()), f"{match[0]}: '{word}' says nothing, name what it does"
    for match in EMPTY_TYPE.finditer(code):
        yield line_of(code, match.start()), f"{match[1]}: name what it is"
    if not is_below(path, SPEAKS_OLD_WORDS):
        for match in [*OLD_NAMES.finditer(code), *OLD_WORDS.finditer(text)]:
            yield line_of(text, match.start()), f"{match[0]}: say primary and replica"


def check_file_name(path):
    for word in words_of(path) & (EMPTY_WORDS | {"master", "slave"}):
        yield 1, f"a file name with '{word}' in it: name what it does"


# Hosts that a document may link to. No others are named, package registries least of all: where packages come from is
# the business of the machine.
LINKED_HOSTS = {"github.com", "redis.io", "valkey.io", "developer.hashicorp.com", "www.boost.org", "prometheus.io"}
HOST = re.compile(r"\bhttps?://(?:[\w.%-]+@)?([A-Za-z][\w-]*(?:\.[\w-]+)+)")
OWN_HOSTS = re.compile(r"(^|\.)(localhost|local|example|test|invalid|internal|consul|example\.(com|org|net))$")


def check_hosts(path, text):
    if is_below(path, ["test/fixtures"]):
        return
    for match in HOST.finditer(text):
        host = match[1].lower()
        if not OWN_HOSTS.search(host) and not (path.endswith(".md") and host in LINKED_HOSTS):
            yield line_of(text, match.start()), f"names the host {host}"


def check_unfinished(text):
    for match in re.finditer(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b", text):
        yield line_of(text, match.start()), "unfinished: do it, or open an issue"


LONG, TOO_LONG = 400, 500


def check_length(path, text):
    lines = text.count("\n")
    if lines > TOO_LONG:
        yield Finding(path, lines, f"{lines} lines: split it where it has two ideas")
    elif lines > LONG:
        yield Finding(path, lines, f"note: {lines} lines, is it one idea?", fails=False)


# --------------------------------------------------------------------------------------------------------------------

NO_CODE = re.compile(
    r'^#include[^\n]*|//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"'
    r"|\b\d[\w']*|'(?:\\.|[^'\\\n])+'",  # 16'384 comes before 'a'.
    re.S | re.M,
)


def code_of(text):
    """The text with comments, includes, numbers and literals blanked; every offset stays where it was."""
    return NO_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def check_text(path, text, root=ROOT):
    """All findings of one file, which need not be on disk (what it includes must be)."""
    found = [*check_file_name(path), *check_hosts(path, text), *check_unfinished(text)]
    if path.endswith((".cpp", ".hpp")):
        code = code_of(text)
        found += [*check_includes(path, text, root), *check_libraries(path, text), *check_purity(path, code)]
        found += [*check_awaits(code), *check_coroutine_parameters(code), *check_names(path, text, code)]
    findings = {Finding(path, line, message) for line, message in found}
    if path.endswith((".cpp", ".hpp", ".py")) or is_below(path, ["hack"]):
        findings.update(check_length(path, text))
    return sorted(findings)


def tracked_files():
    command = ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
    return sorted({name for name in names if name and (ROOT / name).is_file()})


def main(arguments):
    paths = [pathlib.Path(name).resolve().relative_to(ROOT).as_posix() for name in arguments] or tracked_files()
    findings = []
    for path in paths:
        try:
            findings += check_text(path, (ROOT / path).read_text())
        except UnicodeDecodeError:
            pass  # A picture has no style.
    for finding in findings:
        print(finding)
    return 1 if any(finding.fails for finding in findings) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

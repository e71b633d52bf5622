"""What an operator does to the world, read from the bytes that it sends: a name for every effect, and nothing for what only
looks or says that it is alive."""

import base64
import json

from .audit import changes


def redis_effect(words: list[str]) -> str:
    """Of one command: `CLUSTER ADDSLOTSRANGE 0 5460`. Names of nodes and addresses differ from run to run: left out."""
    if not changes(words):
        return ""
    family, word = words[0].upper(), words[1].upper() if len(words) > 1 else ""
    kept = words[2:] if (family, word) in {("CONFIG", "SET"), ("CLUSTER", "ADDSLOTSRANGE")} else []
    return " ".join([family, word, *kept])


# What asks, though it is written as a change, and what says that somebody is still there.
_QUIET = ("/v1/agent/check/pass/", "/v1/session/renew/", "/v1/internal/acl/authorize")
_ACTS = {
    "/v1/session/create": "create the session",
    "/v1/session/destroy/": "destroy the session",
    "/v1/agent/service/register": "register the service",
    "/v1/agent/service/deregister/": "deregister a service",
}


def http_effect(method: str, path: str, body: bytes) -> str:
    """Of one request to Consul or Nomad: `lock leader, write epoch`, `write record: forming, 6 members, 0 former`."""
    path = path.partition("?")[0]
    if method == "GET" or path.startswith(_QUIET):
        return ""
    if path == "/v1/txn":
        return ", ".join(name for name in (_written(one["KV"]) for one in json.loads(body)) if name)
    return next((name for start, name in _ACTS.items() if path.startswith(start)), f"{method} {path}")


def _written(operation: dict) -> str:
    verb, what = operation["Verb"], operation["Key"].rpartition("/")[2]
    if verb.startswith(("check", "get")):
        return ""
    if verb in ("set", "cas"):
        value = base64.b64decode(operation["Value"])
        if what == "record":
            record = json.loads(value)
            what += f": {record['state']}, {len(record.get('members', ()))} members, {len(record.get('former', ()))} former"
        elif what == "status":
            status = json.loads(value)
            what += f": {status['phase']}/{status['reason']}"
        verb = "write"
    return f"{verb} {what}"


# --- Where one message ends


def resp_end(data: bytes, at: int = 0) -> int:
    """Of the command or reply (RESP2) that begins at `at`; 0 while it is not whole."""
    line = data.find(b"\r\n", at)
    if line < 0:
        return 0
    kind, rest, end = data[at : at + 1], data[at + 1 : line], line + 2
    if kind == b"$" and int(rest) >= 0:
        end += int(rest) + 2
        return end if len(data) >= end else 0
    for _ in range(int(rest) if kind == b"*" else 0):
        end = resp_end(data, end)
        if end == 0:
            return 0
    return end


def resp_words(command: bytes) -> list[str]:
    words, at = [], command.index(b"\r\n") + 2
    while at < len(command):
        line = command.index(b"\r\n", at)
        end = line + 2 + int(command[at + 1 : line])
        words.append(command[line + 2 : end].decode(errors="replace"))
        at = end + 2
    return words


def request_end(data: bytes) -> int:
    """Of the HTTP request that `data` begins with, which tells its length when it has a body; 0 while it is not whole."""
    head = data.find(b"\r\n\r\n")
    if head < 0:
        return 0
    length = 0
    for line in data[:head].split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
        assert name.strip().lower() != b"transfer-encoding", "a request in chunks: nobody here reads those"
    return head + 4 + length if len(data) >= head + 4 + length else 0


def request_effect(request: bytes) -> str:
    head, _, body = request.partition(b"\r\n\r\n")
    method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
    return http_effect(method, path, body)

"""The tables of variables in docs/reference/configuration.md, beside the programs whose variables they are."""

import re
import shutil
import socket
import subprocess

import pytest
from lab.nomad import find_nomad
from lab.process import ROOT, SERVERS

ROW = re.compile(r"^\| `([A-Z_]+)` \| (yes|no) \|", re.M)
GO = "Variables of every Go program"

# Names that `consul` knows and that are not for clients of its API.
NOT_FOR_CLIENTS = {
    "CONSUL_INDEX": "what `consul watch` tells the program that it starts",
    "CONSUL_LOCK_HELD": "what `consul lock` tells the program that it starts",
    "CONSUL_INTRO_TOKEN": "lets an agent in that is configured by the servers (auto_config)",
}
# In the table, and younger than the oldest Consul that is supported, 1.8.7.
NEWER = {"CONSUL_PARTITION", "CONSUL_GRPC_CACERT", "CONSUL_GRPC_CAPATH"}
# developer.hashicorp.com/nomad/commands, "Environment variables", and the general options that every command's help lists.
# Left out: NOMAD_LICENSE and NOMAD_LICENSE_PATH, which servers read, and NOMAD_VAR_name, for the authors of job files.
NOMAD_DOCUMENTS = {
    "NOMAD_ADDR", "NOMAD_CACERT", "NOMAD_CAPATH", "NOMAD_CLIENT_CERT", "NOMAD_CLIENT_KEY", "NOMAD_CLI_FORCE_COLOR",
    "NOMAD_CLI_NO_COLOR", "NOMAD_CLI_SHOW_HINTS", "NOMAD_NAMESPACE", "NOMAD_REGION", "NOMAD_SKIP_VERIFY",
    "NOMAD_TLS_SERVER_NAME", "NOMAD_TOKEN",
}  # fmt: skip
# api/api.go reads the first, and the client sets the second inside a task: neither is on that page.
NOMAD_KNOWS = {"NOMAD_HTTP_AUTH", "NOMAD_UNIX_ADDR"}


def documented(section: str) -> dict[str, bool]:
    """The variables of a section, and whether they are said to be honoured."""
    text = (ROOT / "docs/reference/configuration.md").read_text()
    return {name: word == "yes" for name, word in ROW.findall(text.split(f"\n## {section}\n")[1].split("\n## ")[0])}


def names_in(program: bytes, known: set[str]) -> set[str]:
    """The variables that a Go program knows. Its texts lie end to end, so a name may go on with the text behind it: such
    a one is the longest known name that it begins with, unless it goes on as names do."""
    names = set()
    for found in re.findall(rb"CONSUL_(?:(?!CONSUL_)[A-Z_])+", program):
        name = found.decode()
        begins = [one for one in known if name.startswith(one) and not name[len(one) :].startswith("_")]
        names.add(max(begins, key=len, default=name))
    return names


def test_every_variable_of_the_consul_program_has_its_row():
    rows = set(documented("Consul"))
    found = names_in((SERVERS / "consul").read_bytes(), rows | set(NOT_FOR_CLIENTS))
    assert {"CONSUL_HTTP_ADDR", "CONSUL_HTTP_TOKEN", "CONSUL_NAMESPACE"} <= found, "this is how names are found"
    assert found - set(NOT_FOR_CLIENTS) - rows == set(), "what `consul` knows and the table does not"
    assert rows - found - NEWER == set(), "what the table has and `consul` does not know"
    assert NEWER <= rows and not rows & set(NOT_FOR_CLIENTS)


def test_names_are_told_from_what_lies_behind_them():
    known = {"CONSUL_HTTP_SSL", "CONSUL_HTTP_SSL_VERIFY", "CONSUL_CACERT"}
    program = b"xCONSUL_HTTP_SSLCSIV\0CONSUL_HTTP_SSL_VERIFYCONSUL_CACERTCONSUL_NEW: CONSUL_HTTP_SSL_CIPHERS"
    assert names_in(program, known) == known | {"CONSUL_NEW", "CONSUL_HTTP_SSL_CIPHERS"}


def test_every_variable_that_nomad_documents_has_its_row():
    rows = set(documented("Nomad"))
    assert rows == NOMAD_DOCUMENTS | NOMAD_KNOWS
    if program := find_nomad():
        told = subprocess.run([program, "job", "run", "-help"], capture_output=True, text=True, timeout=30, check=True)
        told = set(re.findall("NOMAD_[A-Z_]+", told.stdout + told.stderr))
        assert "NOMAD_ADDR" in told and told <= rows


def answers(ask, product, environment: dict) -> bool:
    done = ask(environment, *product.command)
    return product.answered in done.stdout + done.stderr


def test_system_authorities_are_those_that_are_named(secured, ask, product, tmp_path):
    """Where no CA is given. The `consul` program takes them from the same variables."""
    hashed, plain = tmp_path / "hashed", tmp_path / "plain"
    for folder in (hashed, plain):
        folder.mkdir()
        shutil.copyfile(secured.authority.ca, folder / "ca.pem")
    subprocess.run(["openssl", "rehash", hashed], check=True, timeout=30)
    bare = secured.environment | {f"{product.of}_CACERT": ""}
    honoured = {}
    for variable, good, bad in (("SSL_CERT_FILE", secured.authority.ca, secured.other.ca), ("SSL_CERT_DIR", hashed, plain)):
        assert not answers(ask, product, bare | {variable: str(bad)}), variable
        honoured[variable] = answers(ask, product, bare | {variable: str(good)})
        if product.of == "CONSUL":
            command = [SERVERS / "consul", "kv", "get", "-keys", "none"]
            theirs = subprocess.run(command, env=bare | {variable: str(good)}, capture_output=True, timeout=30, check=False)
            assert theirs.returncode == 0, theirs.stderr
    assert honoured.items() <= documented(GO).items()


def test_proxies_are_not_asked(secured, ask, product):
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        url = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
        assert answers(ask, product, secured.environment | dict.fromkeys(names, url))
        proxy.setblocking(False)
        with pytest.raises(BlockingIOError):
            proxy.accept()
    assert {name for name, is_honoured in documented(GO).items() if not is_honoured} == {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"}

"""A Consul and a Nomad stand-in that talk to nobody without a certificate, each with a socket of its own as well."""

import contextlib
import json
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import threading
from dataclasses import dataclass, field

import pytest
import requests

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))

from lab.certificates import Authority, Pair  # noqa: E402
from lab.consul import Consul  # noqa: E402
from lab.operator import binary  # noqa: E402
from lab.process import ROOT, Process, free_port, stop_all, wait_until  # noqa: E402

SPEC = {
    "version": 1, "mode": "cluster", "primaries": 3, "replicasPerPrimary": 1, "service": "redis-secured",
    "nomad": {"job": "redis-secured", "group": "redis"},
}  # fmt: skip
NOMAD_TOKEN = "3a5ee4d4-58c2-11ef-9d0b-325096b39f47"  # Known to the stand-in of these tests alone.


@dataclass
class Secured:
    """What is there, and where."""

    folder: pathlib.Path
    authority: Authority
    other: Authority  # Whom nobody trusts.
    client: Pair
    consul: Consul
    consul_https: int
    nomad_url: str
    processes: list = field(default_factory=list)

    @property
    def environment(self) -> dict:
        """Of an operator that is let in everywhere."""
        certificates = {"CACERT": self.authority.ca, "CLIENT_CERT": self.client.cert, "CLIENT_KEY": self.client.key}
        both = {f"{of}_{name}": str(file) for of in ("CONSUL", "NOMAD") for name, file in certificates.items()}
        return both | {
            "CONSUL_HTTP_ADDR": f"127.0.0.1:{self.consul_https}", "CONSUL_HTTP_SSL": "true",
            "NOMAD_ADDR": self.nomad_url, "NOMAD_TOKEN": NOMAD_TOKEN,
        }  # fmt: skip

    @property
    def consul_socket(self) -> pathlib.Path:
        return self.folder / "consul.sock"

    @property
    def nomad_socket(self) -> pathlib.Path:
        return self.folder / "nomad.sock"


@pytest.fixture(scope="session")
def secured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("s")  # Short: the path of a socket has at most 107 bytes.
    authority, other = Authority(folder, "right"), Authority(folder, "wrong")
    server = authority.issue("server")
    https = free_port()
    socket = folder / "consul.sock"
    consul = Consul(folder / "consul", node="h1", hcl=f"""
        addresses {{ http = "127.0.0.1 unix://{socket}" }} ports {{ https = {https} }} verify_incoming = true
        ca_file = "{authority.ca}" cert_file = "{server.cert}" key_file = "{server.key}"
        acl {{ enabled = true default_policy = "allow" }}""")  # fmt: skip
    made = Secured(folder, authority, other, authority.issue("client"), consul, https, "")
    made.processes.append(consul.process)
    try:
        consul.wait()
        tokens = folder / "tokens"
        tokens.write_text(f"{NOMAD_TOKEN} operator\n")
        words = [
            sys.executable, "-m", "nomad_stand_in", "--data-dir", folder / "nomad", "--acl-token-file", tokens,
            "--consul-hosts", f"h1=127.0.0.1:{consul.http_port}", "--unix-socket", made.nomad_socket,
            "--tls", f"{server.cert},{server.key},{authority.ca}",
        ]  # fmt: skip
        nomad = Process("nomad stand-in", [str(word) for word in words], folder / "nomad.log",
                        {"PYTHONPATH": str(ROOT / "test/support")})  # fmt: skip
        made.processes.append(nomad)

        def ready():
            nomad.check()
            lines = [line for line in nomad.log.read_text().splitlines() if line.startswith("ready ")]
            return lines and lines[0].split()[1]

        made.nomad_url = wait_until("the stand-in serves", ready, 30)
        yield made
    finally:
        stop_all(made.processes)


class Running:
    """One operator, and those who ask it."""

    def __init__(self, name: str, secured: Secured, environment: dict, args, scheme: str, host: str):
        port = free_port()
        self.url = f"{scheme}://127.0.0.1:{port}"
        self.log = secured.folder / f"{name}.log"
        self.prefix = f"{name}/"
        words = [binary(), "run", "--listen", f"{host}:{port}", "--kv-prefix", self.prefix, *args]
        # Whoever runs these tests may have variables of their own; set to nothing, they count as unset.
        unset = {key: "" for key in os.environ if key.startswith(("CONSUL_", "NOMAD_", "REDIS_OPERATOR_"))}
        self.process = Process(f"operator {name}", [str(word) for word in words], self.log, unset | environment)

    def get(self, path: str, **options):
        return requests.get(self.url + path, timeout=3, **options)

    def logged(self, words: str, seconds: float = 20) -> str:
        """The first line with these words, once it is there."""

        def line():
            self.process.check()
            return next((line for line in self.log.read_text().splitlines() if words in line), None)

        return wait_until(f"{words!r} in {self.log}", line, seconds)

    def until(self, what: str, path: str, check, seconds: float = 20, **options):
        def answer():
            self.process.check()
            try:
                got = self.get(path, **options)
            except requests.ConnectionError:
                return None
            return got if check(got) else None

        return wait_until(f"{what} ({self.log})", answer, seconds, every=0.05)


class Shown(threading.Thread):
    """Shows one certificate to whoever comes, and has nothing else to say."""

    def __init__(self, pair: Pair):
        super().__init__(daemon=True)
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(pair.cert, pair.key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def run(self) -> None:
        while True:
            try:
                visitor, _ = self._listener.accept()
            except OSError:
                return  # It is over.
            visitor.settimeout(5)
            with contextlib.suppress(OSError), visitor, self._context.wrap_socket(visitor, server_side=True) as spoken:
                spoken.recv(1)

    def __enter__(self) -> "Shown":
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self.join()
        self._listener.close()


@pytest.fixture
def run(secured, request):
    """run(environment, *flags): an operator with nothing else in its environment."""
    made = []

    def start(environment: dict, *args, scheme: str = "http", host: str = "127.0.0.1") -> Running:
        name = f"{request.node.name.removeprefix('test_').replace('_', '-')}-{len(made)}"
        made.append(Running(name, secured, environment, args, scheme, host))
        return made[-1]

    yield start
    stop_all([one.process for one in made])


@pytest.fixture
def ask(secured):
    """ask(environment, *words): one command of the operator's, with nothing else in its environment."""

    def call(environment: dict, *words) -> subprocess.CompletedProcess:
        return subprocess.run([str(binary()), *map(str, words)], env=environment, capture_output=True, text=True,
                              timeout=60, check=False)  # fmt: skip

    return call


@dataclass(frozen=True)
class Product:
    """Consul or Nomad, as the operator finds it, and a command that asks it."""

    of: str  # What its variables begin with.
    address: str
    unencrypted: dict  # Asks a port with TLS without.
    command: tuple[str, ...]
    answered: str  # What is said when it answers.


@pytest.fixture(params=["CONSUL", "NOMAD"])
def product(request, secured) -> Product:
    if request.param == "CONSUL":
        words = ("get", "--kv-prefix", "nobodys/")
        return Product("CONSUL", "CONSUL_HTTP_ADDR", {"CONSUL_HTTP_SSL": "false"}, words, "No cluster is declared")
    secured.consul.put("somebodys/clusters/cache/spec", json.dumps(SPEC).encode())
    words = ("plan", "cache", "--kv-prefix", "somebodys/")
    return Product("NOMAD", "NOMAD_ADDR", {"NOMAD_ADDR": f"http://127.0.0.1:{secured.consul_https}"}, words, "JobNotFound")

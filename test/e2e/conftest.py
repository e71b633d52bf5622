"""What the stories start from: one world of Consul, Nomad and three operators for all of them; a cluster for each."""

import contextlib
import os
import pathlib
import re
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from lab.declared import Declared  # noqa: E402
from lab.job import NomadJob, assert_agree, assert_serves, stays_so  # noqa: E402, F401: for the stories
from lab.measured import measured, pytest_terminal_summary, told  # noqa: E402, F401
from lab.nomad import find_nomad  # noqa: E402
from lab.operator import Operator, binary  # noqa: E402
from lab.process import stop_all  # noqa: E402
from lab.redis_server import RedisServer  # noqa: E402
from lab.witness import Witness  # noqa: E402
from lab.world import World  # noqa: E402


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    with World(tmp_path_factory.mktemp("world"), nomad_program=find_nomad()) as started:
        started.run_operator(log_level="debug")
        started.wait_for("redis-operator-http", len(started.consuls))
        started.wait_leader()
        yield started


@pytest.fixture
def name(request):
    """Of the story's cluster, job and service."""
    return re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())[:50].strip("-")


@pytest.fixture
def declare(world):
    """declare("cache"): a cluster that nobody declared yet; afterwards nothing is left of it in Consul."""
    made = []

    def make(name: str) -> Declared:
        made.append(Declared(world, name))
        return made[-1]

    yield make
    for cluster in made:
        cluster.remove()
        for document in ("record", "status", "events"):
            world.consul.delete(cluster.key(document))


@pytest.fixture
def declared(declare, name):
    """The story's cluster."""
    return declare(name)


@pytest.fixture
def job(world, name):
    yield NomadJob(world, name)
    world.nomad.stop_job(name)


class Servers:
    """Redis servers that no Nomad knows, registered by hand."""

    def __init__(self, world: World, folder: pathlib.Path, name: str):
        self._world, self._folder, self.name = world, folder, name
        self._all: list[RedisServer] = []
        self._registered: dict[RedisServer, tuple[str, str]] = {}

    def start(self, count: int = 1, service: str | None = None, **how) -> list[RedisServer]:
        """Starts some more and registers them; `service=""` leaves that out."""
        started = []
        for _ in range(count):
            folder = how.pop("folder", None) or self._folder / f"redis-{len(self._all)}"
            started.append(RedisServer(folder, **how))
            self._all.append(started[-1])
        for server in started:
            server.wait()
            if service != "":
                self.register(server, service or self.name)
        return started

    def adopt(self, server: RedisServer) -> None:
        """One that was started elsewhere."""
        self._all.append(server)
        self.register(server)

    def register(self, server: RedisServer, service: str = "") -> str:
        """As an instance of the story's service; its identity."""
        identity = f"{server.port}"
        self._world.consul.register(service or self.name, identity, server.address, server.port)
        self._registered[server] = (identity, service or self.name)
        return identity

    def deregister(self, server: RedisServer) -> None:
        if server in self._registered:
            self._world.consul.deregister(self._registered.pop(server)[0])

    def end(self, servers: list[RedisServer]) -> None:
        """They end as their owner would end them: deregistered, SIGTERM."""
        for server in servers:
            self.deregister(server)
        stop_all([server.process for server in servers])

    def spec(self, primaries: int = 3, replicas: int = 0, **more) -> dict:
        allow = {} if replicas else {"allow": ["noReplicas"]}
        return {
            "version": 1, "mode": "cluster", "primaries": primaries, "replicasPerPrimary": replicas,
            "service": self.name, **allow, **more,
        }  # fmt: skip

    def witness(self, servers: list[RedisServer] | None = None, password: str | None = None,
                tls: dict | None = None) -> Witness:  # fmt: skip
        return Witness([server.endpoint for server in (self._all if servers is None else servers)], password, tls)

    def close(self) -> None:
        for server in list(self._registered):
            self.deregister(server)
        for server in self._all:
            server.process.kill()


@pytest.fixture
def servers(world, tmp_path, name):
    some = Servers(world, tmp_path, name)
    yield some
    some.close()


@pytest.fixture
def cli(world):
    """cli("get", "cache"): one command as a user runs it."""

    def run(*words: str, text: str | None = None, env: dict | None = None) -> subprocess.CompletedProcess:
        return subprocess.run(
            [str(binary()), *map(str, words)], input=text, capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, **world.env(), **(env or {})},
        )  # fmt: skip

    return run


@pytest.fixture
def start_operator(world, tmp_path, name):
    """Starts one more operator, of an installation of its own: start_operator(consul_url, nomad_url, *arguments)."""
    with contextlib.ExitStack() as stack:

        def start(consul_url: str, nomad_url: str = "", *more: str) -> Operator:
            arguments = ("--service-name", f"{name}-operator", "--log-level", "debug", *more)
            operator = Operator(tmp_path / "operator", consul_url, nomad_url, kv_prefix=f"{name}/", args=arguments)
            stack.callback(operator.process.stop)
            return operator

        yield start

"""One cluster on the hosts of a lab: its redis-servers, registered by their hosts' own agents, its spec, and what it says."""

import contextlib
import itertools
import pathlib
import signal

import redis

from .audit import Audit
from .declared import Declared
from .hosts import Host, Lab
from .operator import Operator
from .process import stop_all, wait_until
from .redis_server import RedisServer
from .witness import Witness
from .writer import Writer

_ports = itertools.count(7001)

# The shipped job's, which stories with a dead primary wait for.
NODE_TIMEOUT_MS = 2_000


class Hosted:
    def __init__(self, lab: Lab, name: str, folder: pathlib.Path):
        self.lab, self.name, self._folder = lab, name, folder
        self.declared = Declared(lab, name)
        self.servers: list[RedisServer] = []
        self.hosts: dict[RedisServer, Host] = {}
        self._registered: dict[RedisServer, str] = {}

    # --- Instances

    def start(self, count: int, hosts: list[Host] | None = None, register: bool = True, **how) -> list[RedisServer]:
        """In turn on the hosts."""
        given = {"cluster-node-timeout": NODE_TIMEOUT_MS, **how.pop("settings", {})}
        started = []
        for i in range(count):
            host = (hosts or self.lab.hosts)[i % len(hosts or self.lab.hosts)]
            port = how.get("port") or next(_ports)
            folder = how.get("folder") or self._folder / f"redis-{len(self.servers)}"
            rest = {key: value for key, value in how.items() if key not in ("port", "folder")}
            started.append(host.start_redis(folder, port, settings=given, **rest))
            self.servers.append(started[-1])
            self.hosts[started[-1]] = host
        for server in started:
            server.wait()
            if register:
                self.register(server)
        return started

    def register(self, server: RedisServer, service: str = "") -> None:
        identity = f"{server.port}"
        self.hosts[server].consul.register(service or self.name, identity, server.address, server.port)
        self._registered[server] = identity

    def deregister(self, server: RedisServer) -> None:
        if server in self._registered:
            self.hosts[server].consul.deregister(self._registered.pop(server))

    def on(self, host: Host) -> list[RedisServer]:
        return [server for server in self.servers if self.hosts[server] is host]

    def living(self) -> list[RedisServer]:
        return [server for server in self.servers if server.process.alive()]

    def identity(self, server: RedisServer) -> str:
        """By which records and statuses name it."""
        return f"{self.hosts[server].name}/{server.port}"

    def by_address(self, address: str) -> RedisServer:
        return next(server for server in self.servers if f"{server.address}:{server.port}" == address)

    def end(self, servers: list[RedisServer]) -> None:
        """As their owner would: deregistered, SIGTERM."""
        for server in servers:
            self.deregister(server)
        stop_all([server.process for server in servers])

    def close(self) -> None:
        self.declared.remove()
        for server in list(self._registered):
            self.deregister(server)
        for server in self.servers:
            server.process.signal(signal.SIGCONT)
            server.process.kill()
        for document in ("record", "status", "events"):
            self.lab.consul.delete(self.declared.key(document))

    # --- What is declared, and what is said

    def spec(self, primaries: int = 3, replicas: int = 1, **more) -> dict:
        allow = [] if replicas else ["noReplicas"]
        return {
            "version": 1, "mode": "cluster", "primaries": primaries, "replicasPerPrimary": replicas,
            "service": self.name, **({"allow": allow} if allow else {}), **more,
        }  # fmt: skip

    def declare(self, **spec) -> Declared:
        self.declared.put(self.spec(**spec))
        return self.declared

    def formed(self, primaries: int = 3, replicas: int = 1, **how) -> "Hosted":
        """Started, declared, Ready."""
        self.start(primaries * (1 + replicas), **how)
        self.declare(primaries=primaries, replicas=replicas)
        self.declared.until_ready()
        self.assert_whole(primaries, primaries * replicas)
        return self

    def seen_by(self, operator: Operator) -> Declared:
        """What this operator serves over HTTP, whether it leads or not."""
        return Declared(self.lab, self.name, url=operator.url)

    def roles(self) -> dict[str, list[RedisServer]]:
        """As the living say themselves."""
        found: dict[str, list[RedisServer]] = {"primary": [], "replica": []}
        for server in self.living():
            with redis.Redis(*server.endpoint, password=server.password or None, socket_timeout=5) as connection:
                found["primary" if connection.info("replication")["role"] == "master" else "replica"].append(server)
        return found

    def epochs(self) -> dict[str, str]:
        """Config epoch by node id: they change with every failover."""
        with self.witness() as witness:
            return {row.id: row.epoch for row in witness.table().values() if not row.is_replica}

    # --- What is proved

    def witness(self, servers: list[RedisServer] | None = None) -> Witness:
        return Witness([server.endpoint for server in (servers or self.living())])

    def writer(self, **how) -> Writer:
        return Writer([server.endpoint for server in self.living()], name=self.name, **how)

    def audit(self) -> Audit:
        return Audit(self.servers)

    @contextlib.contextmanager
    def served_all_along(self, untouched: bool = True):
        """Around a fault: gives a client that writes. No write is refused, none that was acknowledged is lost, every primary
        stays one, and nobody changes anything at any Redis; not `untouched`: nobody without a lease."""
        audit, epochs = self.audit().now(), self.epochs()
        with self.writer() as writer:
            yield writer
            writer.wait_written()
        writer.assert_never_refused()
        writer.assert_nothing_lost()
        audit.assert_untouched() if untouched else audit.assert_fenced()
        assert self.epochs() == epochs

    def assert_whole(self, primaries: int = 3, replicas: int = 3, seconds: float = 10) -> None:
        with self.witness() as witness:
            assert len(witness.endpoints) == primaries + replicas
            wait_until("all tables agree", lambda: witness.what_is_amiss(primaries, replicas) == "", seconds, 0.05)

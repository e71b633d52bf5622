"""Hosts that can fail: each a network namespace with its own Consul server, its own operator and its own redis-servers."""

import contextlib
import pathlib
import signal
import time
import urllib.request

from .consul import Consul
from .net import Link, enter, make_bridge
from .operator import Operator
from .process import SERVERS, Process, stop_all, wait_until
from .redis_server import RedisServer

HTTP, SERF, WAN, RPC, SERVES = 8500, 8301, 8302, 8300, 9480  # The same ports on each host's address.
CONSUL = f"{{ {HTTP}, {SERF}, {RPC} }}"


class HostConsul(Consul):
    """One of several servers, on a host of its own."""

    def __init__(self, folder: pathlib.Path, link: Link, servers: list[str], datacenter: str = ""):
        """`datacenter`: one of several, which can know of each other (join_far)."""
        # Nothing of the other kind of start holds: ports are fixed here, and nobody is the first.
        folder.mkdir(parents=True, exist_ok=True)
        self.address, self.node = link.address, link.name
        self.http_port, self.serf_port = HTTP, SERF
        self._log = folder / "consul.log"
        self._command = [
            *link.inside(), str(SERVERS / "consul"), "agent", "-server", "-bootstrap-expect", str(len(servers)),
            "-node", self.node, "-bind", self.address, "-client", self.address, "-data-dir", str(folder / "consul"),
            "-http-port", str(HTTP), "-serf-lan-port", str(SERF), "-server-port", str(RPC), "-serf-wan-port", str(WAN if datacenter else -1),
            "-datacenter", datacenter or "dc1", "-dns-port", "-1", "-grpc-port", "-1", "-log-level", "info", "-retry-interval", "200ms",
            "-hcl", "performance { raft_multiplier = 1 } disable_update_check = true leave_on_terminate = false",
            # Else a server that is cut off leaves the catalog with all that it registered. Most hosts are clients, which
            # stay in it, with a critical serfHealth.
            "-hcl", "autopilot { cleanup_dead_servers = false }",
        ]  # fmt: skip
        for server in servers:
            self._command += ["-retry-join", f"{server}:{SERF}"]
        self.process = Process(f"consul {self.node}", self._command, self._log)

    def join_far(self, other: "HostConsul") -> None:
        """A server of another datacenter."""
        status, answer = self.call("PUT", f"/v1/agent/join/{other.address}:{WAN}?wan=1")
        assert status == 200, answer

    def leader(self) -> str:
        """The address of the server that leads, as this agent knows; empty without one."""
        try:
            status, leader = self.call("GET", "/v1/status/leader", timeout=1)
        except OSError:
            return ""
        return leader.split(":")[0] if status == 200 and isinstance(leader, str) else ""

    def works(self) -> bool:
        """It answers for a majority of the servers."""
        try:
            return self.call("GET", "/v1/kv/?keys&separator=/&consistent", timeout=1)[0] in (200, 404)
        except OSError:
            return False


class Host:
    def __init__(self, folder: pathlib.Path, number: int, of: list[str], datacenter: str = ""):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.link = Link(number)
        self.name, self.address = self.link.name, self.link.address
        self.consul = HostConsul(folder, self.link, of, datacenter)
        self.operator: Operator | None = None

    def start_operator(self, *args: str, name: str = "operator", port: int = SERVES, consul_url: str = "",
                       kv_prefix: str = "redis-operator/", env: dict[str, str] | None = None) -> Operator:  # fmt: skip
        """One more; the host's own one when it has none."""
        operator = Operator(
            self.folder, consul_url or self.consul.url, name=name, kv_prefix=kv_prefix, listen=f"{self.address}:{port}", inside=self.link.inside(),
            args=("--host-name", self.name, "--log-level", "debug", *args), env=env,
        )  # fmt: skip
        if name == "operator":
            self.operator = operator
        return operator

    def wake(self) -> None:
        """Whatever of Consul and the operator is paused goes on."""
        for process in (self.consul.process, *([self.operator.process] if self.operator else [])):
            process.signal(signal.SIGCONT)

    def start_redis(self, folder: pathlib.Path, port: int, **how) -> RedisServer:
        """Every command that it carries out is in its slow log, with the name of the connection: see audit.py."""
        settings = {"slowlog-log-slower-than": 0, "slowlog-max-len": 200_000, **how.pop("settings", {})}
        return RedisServer(folder, self.address, port=port, bus_port=port + 10_000, settings=settings,
                           inside=self.link.inside(), **how)  # fmt: skip


class Lab:
    """`count` hosts, of which the first has this number, a Consul server on each. What a Declared asks of a world, this has
    too. Labs with numbers apart are beside each other."""

    def __init__(self, folder: pathlib.Path, count: int = 3, first: int = 1, datacenter: str = ""):
        enter()
        make_bridge()
        self.folder = folder
        self.hosts: list[Host] = []
        addresses = [f"10.77.0.{i}" for i in range(first, first + count)]
        with contextlib.ExitStack() as undo:
            undo.callback(self.close)
            for i in range(first, first + count):
                self.hosts.append(Host(folder / f"h{i}", i, addresses, datacenter))
            self._asked = self.hosts[0]
            for host in self.hosts:
                host.consul.wait()
            undo.pop_all()

    def close(self) -> None:
        self.heal()
        for host in self.hosts:
            host.wake()
        stop_all([host.operator.process for host in self.hosts if host.operator])
        stop_all([host.consul.process for host in self.hosts])

    def heal(self) -> None:
        for host in self.hosts:
            host.link.heal()

    @property
    def consul(self) -> Consul:
        """An agent on the side where Consul works: the one of the last time, if it still is; any when there is none."""
        for host in [self._asked, *self.others(self._asked)]:
            if host.consul.process.alive() and host.consul.works():
                self._asked = host
                break
        return self._asked.consul

    def host(self, address: str) -> Host:
        """By its address, with or without a port."""
        return next(host for host in self.hosts if host.address == address.split(":")[0])

    def others(self, *these: Host) -> list[Host]:
        return [host for host in self.hosts if host not in these]

    def start_operators(self) -> None:
        for host in self.hosts:
            if host.operator is None or not host.operator.process.alive():
                host.start_operator()
        for host in self.hosts:
            host.operator.wait()
        self.wait_leader()

    def leader(self) -> dict:
        """What the leader says of itself in its lock; {} when nobody holds it, or nobody can be asked."""
        try:
            return self.consul.holder("redis-operator/leader")
        except OSError:
            return {}

    def wait_leader(self, other_than: str = "", seconds: float = 20) -> dict:
        def found():
            leader = self.leader()
            return leader if leader and leader["instance"] != other_than else None

        return wait_until("an operator leads", found, seconds, every=0.01)

    def leader_host(self) -> Host:
        return self.host(self.wait_leader()["address"])

    def leader_url(self) -> str:
        return f"http://{self.wait_leader()['address']}"

    def open(self, url: str, timeout: float = 3):
        """A page that an operator serves."""
        return urllib.request.urlopen(url, timeout=timeout)

    def leading(self) -> list[Host]:
        """Who says of itself that it leads now."""
        return [host for host in self.hosts if gauge(host.operator, "redis_operator_leading") == 1]

    def until_one_leads(self, seconds: float = 20) -> Host:
        """The lock, and what the operators say of themselves, tell of one and the same."""

        def found():
            leader, leading = self.leader(), self.leading()
            return leading[0] if len(leading) == 1 and leader.get("address", "").startswith(leading[0].address) else None

        return wait_until("exactly one operator leads", found, seconds)

    def wait_whole(self, seconds: float = 40) -> None:
        """Consul's servers have a leader, and all know all."""
        wait_until("Consul is whole", lambda: all(map(self._knows_all, self.hosts)), seconds, every=0.1)

    def _knows_all(self, host: Host) -> bool:
        try:
            status, members = host.consul.call("GET", "/v1/agent/members", timeout=1)
            alive = {member["Addr"] for member in members if member["Status"] == 1} if status == 200 else set()
            for other in self.hosts:
                if other.address not in alive:  # Gossip would try again only every 30 s.
                    host.consul.call("PUT", f"/v1/agent/join/{other.address}:{SERF}", timeout=1)
            return len(alive) == len(self.hosts) and host.consul.works()
        except OSError:
            return False


def gauge(operator: Operator | None, name: str) -> float | None:
    """Of its own metrics; None when it does not answer."""
    if operator is None or not operator.process.alive():
        return None
    with contextlib.suppress(OSError):
        for line in operator.http("/metrics")[1].splitlines():
            series, _, value = line.rpartition(" ")
            if series == name:
                return float(value)
    return None


def since(began: float) -> float:
    return time.monotonic() - began

"""What was done to an instance and by whom, told by the instance: its slow log, which it is started to keep of everything.

Unlike MONITOR it has the commands of administrators, and the names of connections.
"""

from collections.abc import Iterable

import redis

from .redis_server import RedisServer

# What only looks; everything else of these families changes something.
READS = {
    "CLUSTER": {"NODES", "INFO", "MYID", "SHARDS", "SLOTS", "LINKS", "COUNTKEYSINSLOT", "GETKEYSINSLOT", "KEYSLOT",
                "REPLICAS", "COUNT-FAILURE-REPORTS", "MYSHARDID"},
    "CONFIG": {"GET"},
    "CLIENT": {"LIST", "SETNAME", "GETNAME", "ID", "INFO", "SETINFO", "NO-EVICT", "NO-TOUCH"},
}  # fmt: skip
CHANGES = {"REPLICAOF", "SLAVEOF", "FAILOVER", "FLUSHALL", "FLUSHDB", "RESTORE", "MIGRATE", "SHUTDOWN", "DEBUG", "DEL"}


def changes(words: list[str]) -> bool:
    """Of one command: whether it changes something."""
    family, word = words[0].upper(), words[1].upper() if len(words) > 1 else ""
    return word not in READS[family] if family in READS else family in CHANGES


class Entry:
    def __init__(self, said: dict):
        self.number: int = said["id"]
        self.words = said["command"].decode(errors="replace").split(" ")
        self.name: str = said["client_name"].decode()
        self.host: str = said["client_address"].decode().rpartition(":")[0]

    @property
    def changes(self) -> bool:
        return changes(self.words)

    @property
    def epoch(self) -> int:
        """Of the operator that sent it; 0 for others."""
        parts = self.name.split(":")
        return int(parts[2]) if len(parts) == 3 and parts[0] == "redis-operator" else 0

    def __str__(self) -> str:
        return f"{' '.join(self.words)[:80]} (by {self.name or 'nameless'} from {self.host})"


class Audit:
    """Of some instances, from `now()` on; the tests' own commands (from the bridge) are left out."""

    def __init__(self, servers: list[RedisServer], own: Iterable[str] = ("10.77.0.254",)):
        self._servers = servers
        self._own = set(own)
        self._from: dict[RedisServer, int] = {}

    def now(self) -> "Audit":
        self._from = {server: self._newest(server) + 1 for server in self._servers}
        return self

    def _newest(self, server: RedisServer) -> int:
        return max((entry.number for entry in self._read(server, 1)), default=-1)

    @staticmethod
    def _read(server: RedisServer, count: int = 200_000) -> list[Entry]:
        with redis.Redis(*server.endpoint, password=server.password or None, socket_timeout=10) as connection:
            return [Entry(one) for one in connection.slowlog_get(count)]

    def changes(self, server: RedisServer) -> list[Entry]:
        """In the order in which they were carried out."""
        first = self._from.get(server, 0)
        entries = [one for one in self._read(server) if one.changes and one.host not in self._own and one.number >= first]
        return sorted(entries, key=lambda one: one.number)

    def all(self) -> list[Entry]:
        return [entry for server in self._servers if server.alive() for entry in self.changes(server)]

    def assert_fenced(self) -> None:
        """Every change was made under a name, epochs never go back at any instance, and each epoch is of one host."""
        hosts: dict[int, set[str]] = {}
        for server in self._servers:
            if not server.alive():
                continue
            newest = 0
            for entry in self.changes(server):
                assert entry.epoch, f"{server.port}: no operator's name: {entry}"
                assert entry.epoch >= newest, f"{server.port}: after epoch {newest}: {entry}"
                newest = entry.epoch
                hosts.setdefault(entry.epoch, set()).add(entry.host)
        assert all(len(some) == 1 for some in hosts.values()), f"two hosts acted in one epoch: {hosts}"

    def assert_untouched(self) -> None:
        """Nobody changed anything; ending connections of an earlier leader is none."""
        done = [str(entry) for entry in self.all() if entry.words[:2] != ["CLIENT", "KILL"]]
        assert not done, f"{len(done)} changes: {done[:10]}"

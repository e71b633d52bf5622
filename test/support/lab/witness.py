"""What Redis itself says, asked by an independent client (redis-py)."""

import functools
from collections.abc import Iterable

import redis

from .process import wait_until

SLOTS = 16_384
Endpoint = tuple[str, int]


class Row:
    """One line of CLUSTER NODES."""

    def __init__(self, line: str):
        words = line.split()
        self.id = words[0]
        self.address = words[1].split("@")[0]
        self.flags = set(words[2].split(","))
        self.primary = "" if words[3] == "-" else words[3]
        self.epoch = words[6]
        self.link = words[7]
        self.slots = [self._range(word) for word in words[8:] if not word.startswith("[")]

    @staticmethod
    def _range(word: str) -> tuple[int, int]:
        first, _, last = word.partition("-")
        return int(first), int(last or first)

    @property
    def is_replica(self) -> bool:
        return "slave" in self.flags

    @property
    def host(self) -> str:
        return self.address.rsplit(":", 1)[0]

    def slot_count(self) -> int:
        return sum(last - first + 1 for first, last in self.slots)


class Witness:
    """Asks every one of some instances."""

    def __init__(self, endpoints: Iterable[Endpoint], password: str | None = None, tls: dict | None = None):
        """`tls` is what redis-py takes for it: see secure.RedisTls."""
        self._how = {"password": password, "decode_responses": True, **(tls or {})}
        self.endpoints = list(endpoints)
        self._connections = [redis.Redis(host, port, socket_timeout=5, **self._how) for host, port in self.endpoints]

    def __enter__(self) -> "Witness":
        return self

    def __exit__(self, *_) -> None:
        for connection in self._connections:
            connection.close()

    def texts(self) -> list[str]:
        """CLUSTER NODES of each, without what moves by itself: times, and the order of lines."""
        return ["\n".join(sorted(self._still(line) for line in text.splitlines())) for text in self._nodes()]

    @staticmethod
    def _still(line: str) -> str:
        words = line.split()
        return " ".join(words[:4] + words[6:])

    def tables(self) -> list[dict[str, Row]]:
        return [{row.id: row for row in map(Row, text.splitlines())} for text in self._nodes()]

    def _nodes(self) -> list[str]:
        # Asked raw: redis-py's own parser of CLUSTER NODES would be in the way.
        return [self._raw(connection, "CLUSTER", "NODES") for connection in self._connections]

    @staticmethod
    def _raw(connection: redis.Redis, *words: str) -> str:
        pool = connection.connection_pool
        wire = pool.get_connection()
        try:
            wire.send_command(*words)
            return wire.read_response()
        finally:
            pool.release(wire)

    def table(self) -> dict[str, Row]:
        return self.tables()[0]

    def node_ids(self) -> list[str]:
        return [self._raw(connection, "CLUSTER", "MYID") for connection in self._connections]

    def settings(self, name: str) -> set[str]:
        return {connection.config_get(name)[name] for connection in self._connections}

    def set(self, name: str, value: str) -> None:
        for connection in self._connections:
            connection.config_set(name, value)

    def states(self) -> list[str]:
        texts = [self._raw(connection, "CLUSTER", "INFO") for connection in self._connections]
        return [dict(line.split(":") for line in text.split())["cluster_state"] for text in texts]

    def what_is_amiss(self, primaries: int, replicas: int) -> str:
        """Empty when everyone knows exactly so many, all slots have an owner, and all agree; else what is not so."""
        amiss = []
        states = self.states()
        owners = set()
        for (host, port), state, table in zip(self.endpoints, states, self.tables(), strict=True):
            roles = [row.is_replica for row in table.values()]
            counts = (roles.count(False), roles.count(True), sum(row.slot_count() for row in table.values()))
            failed = [row.id[:8] for row in table.values() for flag in row.flags if "fail" in flag]
            owners.add(str(sorted((row.id, row.slots, row.primary) for row in table.values())))
            if state != "ok" or counts != (primaries, replicas, SLOTS) or failed:
                amiss.append(f"{host}:{port}: {state}, {counts[0]} primaries, {counts[1]} replicas, {counts[2]} slots, "
                             f"failed: {failed}")  # fmt: skip
        if len(owners) > 1:
            amiss.append("their tables disagree:\n" + "\n\n".join(self.texts()))
        return "\n".join(amiss)

    def client(self) -> redis.RedisCluster:
        host, port = self.endpoints[0]
        return redis.RedisCluster(host=host, port=port, **self._how)

    def write(self, count: int = 300) -> None:
        with self.client() as client:
            for i in range(count):
                client.set(f"key:{i}", f"value {i}")
        self.wait_replicated()

    def wait_replicated(self) -> None:
        """Every replica has acknowledged what its primary holds by now. A replica whose link is up may still be a second
        away from being sent anything: after a full synchronization Redis waits for its first acknowledgement."""
        for connection in self._connections:
            said = connection.info("replication")
            if said["role"] == "master" and said["connected_slaves"]:
                wait_until(f"all replicas of {connection} have everything", functools.partial(
                    self._acknowledged, connection, said["master_repl_offset"]
                ), 10)  # fmt: skip

    @staticmethod
    def _acknowledged(connection: redis.Redis, offset: int) -> bool:
        said = connection.info("replication")
        return all(said[f"slave{i}"]["offset"] >= offset for i in range(said["connected_slaves"]))

    def read(self, count: int = 300) -> None:
        with self.client() as client:
            wrong = [i for i in range(count) if client.get(f"key:{i}") != f"value {i}"]
        assert not wrong, f"keys read back wrong: {wrong[:10]}"

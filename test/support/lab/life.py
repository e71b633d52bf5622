"""The life of one cluster on Nomad, from blank instances on, whose operators die at chosen points; see checkpoint.py."""

import pathlib
import time
from collections import Counter
from dataclasses import dataclass

from .audit import Audit
from .checkpoint import Checkpoint, Point
from .declared import Declared, brief
from .hosts import gauge
from .job import NomadJob
from .net import Link
from .operator import Operator
from .process import StartFailed, wait_until
from .witness import Witness
from .world import World

NODE_TIMEOUT_MS = 2_000
# Who was killed is followed within a second and a half rather than four.
TIMES = ("--leader-beat", "200ms", "--leader-lease", "600ms", "--leader-check", "1s", "--resync", "500ms")


class Lane:
    """Two hosts for operators. What those of the watched one do passes a checkpoint."""

    def __init__(self, number: int, world: World):
        self.watched, self.other = Link(10 + 2 * number), Link(11 + 2 * number)
        nomad_port = int(world.nomad.url.rpartition(":")[2])
        self.checkpoint = Checkpoint(self.watched, {world.consul.http_port, nomad_port})


@dataclass(frozen=True)
class Instance:
    """What an audit wants of a server."""

    endpoint: tuple[str, int]
    password: str = ""

    @property
    def port(self) -> int:
        return self.endpoint[1]

    def alive(self) -> bool:
        return True


class Life:
    """An operator on the watched host does everything; where it is killed, one on the other host finishes. Each deed ends
    with a cluster that is as declared, whoever did it."""

    def __init__(self, world: World, folder: pathlib.Path, name: str, lane: Lane):
        self._world, self._folder, self._name, self._lane = world, folder, name, lane
        self._prefix = f"{name}/"  # An installation of its own.
        self.job = NomadJob(world, name)
        self._declared = Declared(world, name, prefix=self._prefix)
        self._operators: list[Operator] = []
        self._seen: Operator  # By the checkpoint.
        self._leader: Operator

    def close(self) -> None:
        for operator in self._operators:
            operator.process.stop()
        self._world.nomad.stop_job(self._name)

    # --- What is done

    def form(self, point: Point | None) -> None:
        """Six blank instances and a spec; no operator was there before."""
        keep_all = ["--slowlog-log-slower-than", "0", "--slowlog-max-len", "100000"]
        self.job.run(count=6, node_timeout_ms=NODE_TIMEOUT_MS, extra_args=keep_all).wait_passing(6)
        self._declared.put(self.job.spec())
        self._start_watched(point)
        self._see_through(point, 6)

    def place(self, point: Point | None) -> None:
        """A seventh instance joins, and follows a primary."""
        self._scaled(7, point)

    def forget(self, point: Point | None) -> None:
        """The seventh one ends: it is forgotten, and stays away."""
        self._scaled(6, point)

    def _scaled(self, count: int, point: Point | None) -> None:
        if self._leader is not self._seen:
            self._hand_back()
        self._lane.checkpoint.watch(point)
        self._world.nomad.scale(self._name, "redis", count)
        self._see_through(point, count)

    def _see_through(self, point: Point | None, instances: int) -> None:
        if point:
            self._lane.checkpoint.until_struck()
            self._leader.process.kill()  # Waits for its end: it is dead.
            self._leader = self._start(self._lane.other)
        deadline = time.monotonic() + 30
        while amiss := self.what_is_amiss(instances):
            self._lane.checkpoint.check()
            if time.monotonic() > deadline:
                raise StartFailed(f"{self._name}, killed {point}: not as declared within 30 s: {amiss}")
            time.sleep(0.1)

    # --- Operators

    def _start_watched(self, point: Point | None = None) -> None:
        self._seen = self._leader = self._lane.checkpoint.let_in(lambda: self._start(self._lane.watched), point)

    def _start(self, link: Link) -> Operator:
        # Each asks the agent of a host of its own, as always.
        consul = self._world.consuls[1 if link is self._lane.watched else 2]
        operator = Operator(
            self._folder, consul.url, self._world.nomad.url, name=f"operator-{len(self._operators) + 1}",
            kv_prefix=self._prefix, listen=f"{link.address}:9480", inside=link.inside(),
            args=("--service-name", f"{self._name}-operator", "--host-name", link.name, "--log-level", "debug", *TIMES),
        )  # fmt: skip
        self._operators.append(operator)
        return operator

    def _hand_back(self) -> None:
        """To an operator on the watched host, which finds nothing to do."""
        audit, before = self.audit().now(), self._leader
        self._start_watched()
        self._seen.wait()
        assert before.process.stop() == 0
        wait_until("the watched one leads", lambda: gauge(self._seen, "redis_operator_leading") == 1, 10)
        self._told_by_leader().until_ready()
        audit.assert_untouched()

    # --- What is there

    def _told_by_leader(self) -> Declared:
        return Declared(self._world, self._name, prefix=self._prefix, url=self._leader.url)

    def effects(self) -> list[str]:
        """Of the watched operator, for the newest deed."""
        return list(self._lane.checkpoint.effects)

    def audit(self) -> Audit:
        """Of the instances that run now. What is asked from this side comes from their own addresses."""
        own = {consul.address for consul in self._world.consuls}
        return Audit([Instance(endpoint) for endpoint in self.job.endpoints().values()], own)

    def what_is_amiss(self, instances: int) -> str:
        """Empty when all is as declared, and the record and the status say so."""
        status, record, endpoints = self._told_by_leader().status(), self._declared.record(), self.job.endpoints()
        if not status or status["phase"] != "Ready" or len(status["instances"]) != instances:
            return f"it says: {brief(status)}"
        if record.get("state") != "formed" or set(record["members"]) != set(endpoints) or len(endpoints) != instances:
            return f"the record: {record}"
        written = self._declared.document("status")
        if {**written, "updatedAt": ""} != {**status, "updatedAt": ""}:
            return f"not in Consul yet: {brief(status)}"
        with Witness(endpoints.values()) as witness:
            return witness.what_is_amiss(3, instances - 3)

    def state(self) -> list[str]:
        """Everything that does not depend on who did it, when and in which order: no ids, addresses, epochs, times."""
        endpoints, record, status = self.job.endpoints(), self._declared.record(), self._told_by_leader().status()
        found = []
        with Witness(endpoints.values()) as witness:
            nodes, tables = witness.node_ids(), witness.tables()
            for node, table, state in zip(nodes, tables, witness.states(), strict=True):
                row = table[node]
                found.append(f"{'a replica' if row.is_replica else f'a primary with the slots {row.slots}'}, "
                             f"knows {len(table)}, {state}")  # fmt: skip
            rows = tables[0]
            replicas = [row for row in rows.values() if row.is_replica]
            found.append(f"replicas of the primaries: {sorted(Counter(row.primary for row in replicas).values())}")
            found.append(f"replicas on their primary's host: {sum(rows[row.primary].host == row.host for row in replicas)}")
            for setting in ("cluster-node-timeout", "cluster-allow-replica-migration"):
                found.append(f"{setting}: {witness.settings(setting)}")
        known = dict(zip(endpoints, nodes, strict=True))
        found.append(f"the record: {record['state']}, {'exactly' if record['members'] == known else 'not'} who is there, "
                     f"{len(record.get('former', ()))} former, {len(record.get('layout', ()))} shards laid out, "
                     f"node timeout to restore: {record.get('nodeTimeoutFound')}")  # fmt: skip
        found.append(f"the status: {status['phase']}/{status['reason']}: {status['message']}")
        found += [f"{one['type']}={one['status']} {one['reason']}" for one in status["conditions"]]
        _, keys = self._world.consul.call("GET", f"/v1/kv/{self._prefix}?keys")
        found.append(f"keys: {sorted(key.rpartition('/')[2] for key in keys)}")
        return sorted([*found, f"count: {self._world.nomad.count(self._name, 'redis')}"])

"""Clusters that are there already, and become the declared one without a word to Redis that changes anything."""

import json
import shutil
import subprocess
import threading
import time

import pytest
import redis
from conftest import stays_so
from lab.audit import Audit
from lab.consul import Consul
from lab.declared import Declared
from lab.process import SERVERS, wait_until

ADOPT = {"allow": ["adopt"]}
# What a survey asks, what every connection begins with, and what a visitor of the cluster sends.
HARMLESS = {
    "info", "ping", "auth", "hello", "client|list", "client|setname", "client|setinfo", "client|id", "config|get",
    "cluster|myid", "cluster|nodes", "cluster|info", "cluster|slots", "cluster|shards", "cluster|countkeysinslot",
    "command", "command|info", "get", "set", "config|resetstat", "replconf", "psync", "select", "asking", "readonly",
}  # fmt: skip

# What the operator would set; the node timeout is the user's, and short so that the dead are called so soon.
KEPT = {"cluster-allow-replica-migration": "no", "cluster-node-timeout": "3000"}

# Nothing but that they keep in mind what they are told.
AUDITED = {"slowlog-log-slower-than": "0", "slowlog-max-len": "200000"}


class Visitor(threading.Thread):
    """A client that reads and writes all the time, and counts what fails."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self._client = redis.RedisCluster(host=server.address, port=server.port, decode_responses=True)
        self._over = threading.Event()
        self.done = 0
        self.failed = []

    def run(self) -> None:
        while not self._over.is_set():
            key = f"visit:{self.done % 500}"
            try:
                self._client.set(key, self.done)
                if self._client.get(key) != str(self.done):
                    self.failed.append(f"{key} is not {self.done}")
            except redis.RedisError as error:
                self.failed.append(repr(error))
            self.done += 1
            time.sleep(0.001)

    def __enter__(self) -> "Visitor":
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self._over.set()
        self.join()
        self._client.close()

    def assert_undisturbed(self) -> None:
        assert self.done > 500, "it has hardly tried"
        assert self.failed == [], f"{len(self.failed)} of {self.done} failed"


def forget_statistics(servers) -> None:
    for server in servers:
        assert server.ask("CONFIG", "RESETSTAT") == "OK"


def changing_commands(servers) -> set[str]:
    """Whatever was sent to any of them since, beyond questions and the visitor's own."""
    seen = set()
    for server in servers:
        lines = server.ask("INFO", "commandstats").splitlines()
        seen |= {line.split(":")[0].removeprefix("cmdstat_") for line in lines if line.startswith("cmdstat_")}
    assert "cluster|nodes" in seen, "nobody has looked"
    return seen - HARMLESS


def made_by_redis_cli(servers):
    """Three primaries with a replica each, as the handbook says; their settings are what the operator would set."""
    made = servers.start(6, settings=KEPT)
    addresses = [f"{server.address}:{server.port}" for server in made]
    subprocess.run(
        [SERVERS / "redis-cli", "--cluster", "create", *addresses, "--cluster-replicas", "1", "--cluster-yes"],
        check=True, timeout=60, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    with servers.witness(made) as witness:
        wait_until("redis-cli has made it", lambda: witness.what_is_amiss(3, 3) == "", 20)
    return made


def made_by_hand(servers):
    """The same, command by command, with settings as servers have them. It gives nobody a config epoch, as people forget to:
    Redis itself tells equal ones apart, later."""
    made = servers.start(6, settings=AUDITED)
    first, primaries, replicas = made[0], made[:3], made[3:]
    for other in made[1:]:
        assert first.ask("CLUSTER", "MEET", other.address, str(other.port), str(other.bus_port)) == "OK"
    for number, primary in enumerate(primaries):
        slots = range(number * 16_384 // 3, (number + 1) * 16_384 // 3)
        assert primary.ask("CLUSTER", "ADDSLOTS", *map(str, slots)) == "OK"
    for primary, replica in zip(primaries, replicas, strict=True):
        node = primary.ask("CLUSTER", "MYID")
        wait_until("it knows its primary", lambda of=replica, node=node: of.ask("CLUSTER", "REPLICATE", node) == "OK", 20)
    with servers.witness(made) as witness:
        wait_until("it is made", lambda: witness.what_is_amiss(3, 3) == "", 20)

        def are_apart() -> bool:
            tables = witness.tables()
            epochs = [{(row.id, row.epoch) for row in table.values() if not row.is_replica} for table in tables]
            linked = all(row.link == "connected" for table in tables for row in table.values())
            return linked and all(each == epochs[0] for each in epochs) and len({epoch for _, epoch in epochs[0]}) == 3

        wait_until("their epochs are apart, and all know them", are_apart, 20)
    return made


def ports_of(record: dict) -> set[str]:
    return {identity.split("/")[-1] for identity in record["members"]}


def test_cluster_of_redis_cli_is_taken_over(servers, declared, cli, tmp_path, measured):
    made = made_by_redis_cli(servers)
    with servers.witness(made) as witness, Visitor(made[0]) as visitor:
        before = witness.texts()
        hidden = made[4]
        foreign = hidden.ask("CLUSTER", "MYID")
        servers.deregister(hidden)
        forget_statistics(made)

        declared.put(servers.spec(replicas=1, **ADOPT))
        condition = declared.until_condition("Formed", "False", "ForeignNode", foreign)
        assert str(hidden.port) in condition["message"] and "register it" in condition["message"]
        stays_so("one of them is not proven", lambda: declared.record().get("members", {}) == {})
        shown = cli("plan", declared.name).stdout
        assert "ForeignNode" in shown and foreign in shown
        assert f"node {foreign}" in cli("describe", declared.name).stdout

        servers.register(hidden)
        registered = time.monotonic()
        declared.until_ready()
        measured("a cluster of redis-cli, complete, to Ready", time.monotonic() - registered)
        record = declared.record()
        assert record["state"] == "formed" and ports_of(record) == {str(server.port) for server in made}
        assert sorted(record["members"].values()) == sorted(witness.node_ids())
        stays_so("it is left as it is", lambda: witness.texts() == before, seconds=2)
        assert changing_commands(made) == set()
        visitor.assert_undisturbed()

        # From here on it is a cluster as any other: who is gone is replaced.
        lost = next(server for server in made if "slave" in server.ask("CLUSTER", "NODES").split("myself,")[1][:5])
        servers.end([lost])
        newcomer = servers.start(1, settings=KEPT)[0]
        declared.until("the newcomer is its successor", lambda s: s["phase"] == "Ready" and str(newcomer.port) in {
            one["instance"].split("/")[-1] for one in s["instances"] if one["role"] == "replica"
        }, seconds=60)  # fmt: skip
    with servers.witness([server for server in [*made, newcomer] if server is not lost]) as witness:
        wait_until("the lost one is forgotten", lambda: witness.what_is_amiss(3, 3) == "", 40)


def test_one_setting_is_all_that_a_cluster_made_by_hand_is_told(servers, declared):
    """Adopting it writes nothing. Once it is ours, each member is told once to leave replicas where they are: what people
    and redis-cli make allows their migration, which is the default."""
    made = made_by_hand(servers)
    with servers.witness(made) as witness, Visitor(made[0]) as visitor:
        before = witness.texts()
        forget_statistics(made)
        audit = Audit(made, own=()).now()

        def told() -> bool:
            return witness.settings("cluster-allow-replica-migration") != {"yes"}

        declared.put(servers.spec(replicas=1))
        declared.until_phase("Pending", "ExistingCluster")
        stays_so("without consent it is only looked at", lambda: not told())
        audit.assert_untouched()

        declared.put(servers.spec(replicas=1, **ADOPT))
        [record] = wait_until("the first of them is told", lambda: told() and [declared.record()], 30, every=0.001)
        assert record.get("state") == "formed" and ports_of(record) == {str(server.port) for server in made}
        declared.until_ready()
        wait_until("all are told", lambda: witness.settings("cluster-allow-replica-migration") == {"no"}, 20)
        stays_so("it is left as it is", lambda: witness.texts() == before)
        assert changing_commands(made) == {"config|set", "slowlog|get"}
        for server in made:
            entries = audit.changes(server)
            assert [" ".join(one.words) for one in entries] == ["CONFIG SET cluster-allow-replica-migration no"], server.port
            assert entries[0].epoch == record["epoch"], "by whom it belongs to"
        visitor.assert_undisturbed()


def test_record_that_was_forgotten(servers, declared, cli, tmp_path):
    """`delete --forget-record` and `apply` with consent: the way back."""
    started = servers.start(6)
    spec = servers.spec(replicas=1)
    declared.put(spec)
    declared.until_ready()
    members = declared.record()["members"]
    with servers.witness(started) as witness, Visitor(started[0]) as visitor:
        before = witness.texts()
        deleted = cli("delete", declared.name, "--forget-record", "--yes")
        assert deleted.returncode == 0 and '"adopt"' in deleted.stdout
        wait_until("the operator lets go", lambda: declared.status() == {}, 10)
        forget_statistics(started)

        file = tmp_path / f"{declared.name}.json"
        file.write_text(json.dumps(spec))
        assert cli("apply", str(file)).returncode == 0
        declared.until_phase("Pending", "ExistingCluster")
        file.write_text(json.dumps({**spec, **ADOPT}))
        shown = cli("apply", str(file), "--dry-run").stdout
        assert "Adopting" in shown and "3 primaries, 3 replicas, 16384 slots" in shown
        assert cli("apply", str(file)).returncode == 0
        declared.until_ready()
        assert declared.record()["members"] == members
        stays_so("it is left as it is", lambda: witness.texts() == before)
        assert changing_commands(started) == set()
        visitor.assert_undisturbed()


@pytest.fixture
def own_consul(tmp_path):
    consul = Consul(tmp_path / "consul").wait()
    yield consul
    consul.process.stop()


@pytest.mark.parametrize("operator_lives", [True, False], ids=["operator-runs-on", "operator-is-new"])
def test_consul_that_lost_its_data(own_consul, start_operator, servers, world, tmp_path, operator_lives):
    """Records, lock, epoch and the installation's name: all gone. An operator that runs on remembers the name."""
    operator = start_operator(own_consul.url).wait()
    cluster = Declared(world, "lost").of(own_consul, operator)
    started = servers.start(6, service="")

    def register() -> None:
        for server in started:
            own_consul.register(servers.name, str(server.port), server.address, server.port)

    register()
    cluster.put(servers.spec(replicas=1))
    cluster.until_ready()
    first = cluster.record()
    with servers.witness(started) as witness, Visitor(started[0]) as visitor:
        before = witness.texts()
        own_consul.process.kill()
        if not operator_lives:
            operator.process.stop()
        shutil.rmtree(tmp_path / "consul" / "data")
        forget_statistics(started)
        own_consul.restart()
        own_consul.wait()
        register()
        if not operator_lives:
            cluster.of(own_consul, start_operator(own_consul.url))

        cluster.put(servers.spec(replicas=1, **ADOPT))
        record = cluster.until_record("taken over", lambda found: found if found.get("members") else None, seconds=60)
        cluster.until_ready()
        assert record["state"] == "formed"
        assert sorted(record["members"].values()) == sorted(first["members"].values())
        assert (record["installation"] == first["installation"]) == operator_lives
        stays_so("it is left as it is", lambda: witness.texts() == before)
        assert changing_commands(started) == set()
        visitor.assert_undisturbed()

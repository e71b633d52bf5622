"""Instances that cannot, or must not, become part of a cluster: named, left alone, and in nobody's way."""

import subprocess

import pytest
from conftest import assert_serves, stays_so
from lab.process import SERVERS, wait_until
from lab.redis_server import RedisServer
from lab.witness import Witness


def holds_keys(servers):
    server = servers.start()[0]
    # Cluster mode refuses writes until all slots are served: a lone primary of everything, which then lets go of it.
    assert server.ask("CLUSTER", "ADDSLOTSRANGE", "0", "16383") == "OK"
    wait_until("it serves", lambda: server.ask("SET", "mine", "1") == "OK", 10)
    assert server.ask("CLUSTER", "DELSLOTSRANGE", "0", "16383") == "OK"
    return server, lambda: server.ask("FLUSHALL")


def runs_without_cluster_mode(servers):
    server = servers.start(settings={"cluster-enabled": "no"})[0]

    def correct():
        servers.end([server])
        servers.start(port=server.port)

    return server, correct


def wants_a_password(servers):
    server = servers.start(secrets={"requirepass": "not-ours"})[0]

    def correct():
        with Witness([server.endpoint], "not-ours") as witness:
            witness.set("requirepass", "")

    return server, correct


@pytest.mark.parametrize(
    ("stranger", "reason", "word"),
    [
        (holds_keys, "HoldsKeys", "keys"),
        (runs_without_cluster_mode, "ClusterModeOff", "cluster-enabled"),
        (wants_a_password, "WrongPassword", "credentials"),
    ],
    ids=lambda what: getattr(what, "__name__", ""),
)
def test_081_102_one_that(servers, declared, stranger, reason, word):
    odd, correct = stranger(servers)
    sound = servers.start(3)
    declared.put(servers.spec())
    condition = declared.until_condition("MembersKnown", "False", reason, str(odd.port))
    assert word in condition["message"]
    status = declared.until("formed without it", lambda s: s["slots"]["served"] == 16384)
    declared.until_condition("Formed", "True")
    assert status["phase"] != "Ready", "a person has to look at it"
    with servers.witness(sound) as witness:
        assert all(len(table) == 3 for table in witness.tables())
    assert {identity.split("/")[-1] for identity in declared.record()["members"]} == {str(s.port) for s in sound}

    correct()
    declared.until_condition("MembersKnown", "True")
    declared.until("it joined as an extra replica", lambda s: sum(len(shard["replicas"]) for shard in s["shards"]) == 1)
    declared.until_ready()


def know_each_other(witness) -> bool:
    """Whole and at rest: linked both ways, each with the epochs of all."""
    rows = [row for table in witness.tables() for row in table.values()]
    known = len(rows) == len(witness.endpoints) ** 2 and all(row.link == "connected" for row in rows)
    return known and all(len({row.epoch for row in rows if row.id == one.id}) == 1 for one in rows)


def test_member_of_another_cluster_forbids_forming(servers, declared):
    """One that owns slots or knows a peer is evidence of an earlier cluster."""
    other = servers.start(2, service=f"{servers.name}-other")
    for epoch, server in enumerate(other, start=1):  # else they would settle that between them at some later time
        assert server.ask("CLUSTER", "SET-CONFIG-EPOCH", str(epoch)) == "OK"
    other[0].ask("CLUSTER", "MEET", other[1].address, str(other[1].port), str(other[1].bus_port))
    with servers.witness(other) as witness:
        wait_until("they know each other", lambda: know_each_other(witness), 10)
        before = witness.texts()
        servers.start(3)
        servers.register(other[0])
        declared.put(servers.spec())
        status = declared.until_phase("Pending", "ExistingCluster")
        assert str(other[0].port) in status["message"]
        wait_until("the spec is accepted", lambda: declared.record().get("state") == "accepted", 10)
        stays_so("nothing is formed", lambda: declared.record()["state"] == "accepted" and witness.texts() == before)
        servers.deregister(other[0])
        declared.until_ready()
        assert witness.texts() == before


def test_cluster_made_by_hand_is_read_only(servers, declared):
    made = servers.start(6)
    addresses = [f"{server.address}:{server.port}" for server in made]
    subprocess.run(
        [SERVERS / "redis-cli", "--cluster", "create", *addresses, "--cluster-replicas", "1", "--cluster-yes"],
        check=True, timeout=60, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    with servers.witness(made) as witness:
        wait_until("redis-cli has made it", lambda: witness.what_is_amiss(3, 3) == "", 20)
        witness.write()
        before = witness.texts()
        timeouts = witness.settings("cluster-node-timeout")

        declared.put(servers.spec(primaries=3, replicas=1))
        declared.until_phase("Pending", "ExistingCluster")
        assert "read-only" in declared.conditions()["Formed"]["message"]
        stays_so("nothing is written to it", lambda: witness.texts() == before)
        assert witness.settings("cluster-node-timeout") == timeouts
        assert declared.record()["state"] == "accepted"
        witness.read()


def test_formed_and_all_empty_is_loss_of_data(servers, declared, cli):
    first = servers.start(3)
    declared.put(servers.spec())
    declared.until_ready()
    record = declared.record()
    for server in first:
        server.process.kill()
    again = [servers.start(port=server.port)[0] for server in first]  # under the same identities, without data
    declared.until_condition("SlotsCovered", "False", "ShardDataLost", "nothing is assigned")
    with servers.witness(again) as witness:
        stays_so("no slot is given to anybody", lambda: all(
            row.slots == [] for table in witness.tables() for row in table.values()
        ))  # fmt: skip
        assert all(len(table) == 1 for table in witness.tables())
    assert declared.record()["members"] == record["members"]

    refused = cli("delete", declared.name, "--forget-record")
    assert refused.returncode == 1 and "--yes" in refused.stderr
    assert declared.record()["members"] == record["members"]
    forgotten = cli("delete", declared.name, "--forget-record", "--yes")
    assert forgotten.returncode == 0 and "record forgotten" in forgotten.stdout
    assert [declared.document(name) for name in ("spec", "record")] == [{}, {}]
    declared.put(servers.spec())  # which is the consent to start anew
    declared.until_ready()
    assert set(declared.record()["members"].values()).isdisjoint(record["members"].values())
    with servers.witness(again) as witness:
        assert_serves(witness)


def test_living_cluster_whose_record_was_forgotten_is_read_only(servers, declared, cli):
    started = servers.start(3)
    declared.put(servers.spec())
    declared.until_ready()
    with servers.witness(started) as witness:
        witness.write()
        before = witness.texts()
        assert cli("delete", declared.name, "--forget-record", "--yes").returncode == 0
        wait_until("the operator lets go", lambda: declared.status() == {}, 10)
        assert declared.record() == {}
        declared.put(servers.spec())
        declared.until_phase("Pending", "ExistingCluster")
        stays_so("nothing is written to it", lambda: witness.texts() == before)
        assert declared.record()["state"] == "accepted"
        witness.read()


def test_100_bus_port_of_another_cluster_merges_nothing(servers, declared, declare, name):
    """Its announced bus port leads into a living cluster: to be met there would merge the two and erase keys."""
    other_service = f"{name}-other"
    theirs = servers.start(3, service=other_service)
    other = declare(other_service)
    other.put({**servers.spec(), "service": other_service})
    other.until_ready()
    with servers.witness(theirs) as witness:
        witness.write()
        before = witness.texts()
        liar = servers.start(settings={"cluster-announce-bus-port": theirs[0].bus_port})[0]
        sound = servers.start(3)
        declared.put(servers.spec())
        declared.until_condition("MembersKnown", "False", "BusPortMapped", str(liar.port))
        declared.until_condition("Formed", "True")
        stays_so("the other cluster knows nothing of it", lambda: witness.texts() == before)
        witness.read()
        with servers.witness([*sound, liar]) as ours:
            met = {node for table in ours.tables() for node in table}
        assert met.isdisjoint(witness.node_ids())
        servers.end([liar])
        declared.until_ready()


def test_loading_one_is_waited_for(servers, declared, tmp_path):
    folder = dump_of_expired_keys(servers, tmp_path)
    sound = servers.start(3)
    slow = {"key-load-delay": "20000", "loading-process-events-interval-bytes": "1024"}  # 20 ms for each key, between which it answers
    loading = RedisServer(folder, settings=slow, keep_data=True)
    servers.adopt(loading)
    wait_until("it says that it loads", lambda: loading.listens() and loading.ask("PING").startswith("LOADING"), 5)
    declared.put(servers.spec())
    declared.until_condition("Observed", "False", "Loading", str(loading.port))
    assert declared.status()["phase"] == "Pending"
    assert declared.conditions()["Formed"]["reason"] == "WaitingForInstances"
    with servers.witness(sound) as witness:
        assert all(len(table) == 1 for table in witness.tables()), "it may turn out to be part of an earlier cluster"
    declared.until_ready()
    declared.until_condition("Observed", "True")


def dump_of_expired_keys(servers, tmp_path):
    """The folder of a server that takes long to load, and then is empty."""
    how = {"cluster-enabled": "no", "enable-debug-command": "local", "rdbcompression": "no"}
    server = servers.start(service="", settings=how)[0]
    assert server.ask("DEBUG", "SET-ACTIVE-EXPIRE", "0") == "OK", "or it would drop them before they are saved"
    for i in range(200):
        server.ask("SET", f"key:{i}", "x" * 1_000, "PX", "1")
    assert server.ask("SAVE") == "OK"
    servers.end([server])
    return server.folder

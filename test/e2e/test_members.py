"""What becomes of members after the cluster was formed."""

import os
import signal
import time

import pytest
from conftest import assert_agree, stays_so
from lab.process import wait_until


@pytest.fixture
def formed(job, declared):
    """A formed cluster of three primaries and three replicas, with keys."""
    job.run(count=6).wait_deployed(6)
    declared.put(job.spec())
    declared.until_ready()
    job.assert_whole()
    with job.witness() as witness:
        witness.write()
    return declared.record()


def members_by_role(status: dict, role: str) -> list[str]:
    return sorted(one["instance"] for one in status["instances"] if one["role"] == role)


def test_088_dead_replica_is_replaced_and_forgotten(world, job, declared, formed, measured):
    victim = members_by_role(declared.status(), "replica")[0]
    dead = formed["members"][victim]
    world.nomad.kill_task(victim)
    killed = time.monotonic()

    declared.until("not Ready", lambda status: status["phase"] == "Degraded")
    declared.until("a new replica", lambda s: s["phase"] == "Ready" and victim not in members_by_role(s, "replica"))
    measured("kill -9 of a replica to Ready again (Nomad waits 5 s)", time.monotonic() - killed)

    record = declared.record()
    assert set(record["members"]) == set(job.endpoints())
    assert dead in [former["node"] for former in record["former"]]
    assert declared.status()["slots"]["served"] == 16384
    with job.witness() as witness:
        assert_agree(witness, 3, 3)
        stays_so("nobody brings the dead one back", lambda: all(dead not in table for table in witness.tables()))
        witness.read()


def test_dead_primary_is_followed_by_its_replica(world, job, declared, formed):
    victim = members_by_role(declared.status(), "primary")[0]
    dead = formed["members"][victim]
    world.nomad.kill_task(victim)

    declared.until("not Ready", lambda status: status["phase"] in ("Degraded", "Down"))
    declared.until("Ready without it", lambda s: s["phase"] == "Ready" and dead not in [i["node"] for i in s["instances"]],
                   seconds=60)  # fmt: skip
    job.assert_whole()
    assert dead in [former["node"] for former in declared.record()["former"]]
    with job.witness() as witness:
        assert all(dead not in table for table in witness.tables())
        witness.read()


def test_whole_cluster_comes_back_on_new_ports(servers, declared, tmp_path):
    """Nobody of them knows where the others are now; what they know are their node ids, and they have their data."""
    save = {"appendonly": "yes", "appendfsync": "no", "cluster-node-timeout": "2000"}
    folders = [tmp_path / f"node-{i}" for i in range(6)]
    first = [servers.start(folder=folder, settings=save)[0] for folder in folders]
    declared.put(servers.spec(primaries=3, replicas=1))
    declared.until_ready()
    before = declared.record()
    with servers.witness(first) as witness:
        witness.write()
    servers.end(first)

    again = [servers.start(folder=folder, settings=save, keep_data=True)[0] for folder in folders]
    assert not {server.port for server in first} & {server.port for server in again}
    declared.until("Ready on the new ports", lambda status: status["phase"] == "Ready" and all(
        one["address"] in {f"{server.address}:{server.port}" for server in again} for one in status["instances"]
    ), seconds=45)  # fmt: skip
    after = declared.record()
    assert sorted(after["members"].values()) == sorted(before["members"].values())
    assert {identity.split("/")[-1] for identity in after["members"]} == {str(server.port) for server in again}
    with servers.witness(again) as witness:
        assert_agree(witness, 3, 3)
        witness.read()


def test_leader_that_is_told_to_end_hands_over_at_once(world, declared, job, measured):
    if len(world.operators()) < 2:
        pytest.skip("one host: nobody stands by")
    before = world.wait_leader()
    pid = world.operators()[before["address"]]
    began = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    after = world.wait_leader(other_than=before["instance"])
    took = time.monotonic() - began
    measured("SIGTERM of the leader to the next leader", took)
    assert took < 2  # The promise is 0.5 s.
    assert after["epoch"] == before["epoch"] + 1
    wait_until("the ended one is back as a standby", lambda: len(world.operators()) == len(world.consuls), 20)


def test_097_deleted_cluster_is_left_alone_and_resumed(servers, declared, cli, tmp_path):
    started = servers.start(3)
    declared.put(servers.spec())
    declared.until_ready()
    with servers.witness(started) as witness:
        witness.write()
        before = witness.texts()
        record = declared.record()

        deleted = cli("delete", declared.name)
        assert deleted.returncode == 0 and "not touched" in deleted.stdout
        wait_until("the operator lets go", lambda: declared.status() == {}, 10)
        newcomer = servers.start()[0]
        stays_so("nobody introduces the newcomer", lambda: newcomer.ask("DBSIZE") == "0" and witness.texts() == before)
        assert declared.record() == record

        declared.put(servers.spec())
        declared.until("the newcomer is a replica", lambda s: sum(len(x["replicas"]) for x in s["shards"]) == 1)
        declared.until_ready()
        witness.read()

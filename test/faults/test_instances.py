"""Instances and whole hosts that die, come back, or are not who they seem to be; and what operators make of it."""

import pathlib
import signal
import socket
import threading
import time

import pytest
import redis
from lab.hosted import Hosted
from lab.hosts import since
from lab.process import wait_until

DURABLE = {"appendonly": "yes", "appendfsync": "no"}


def ask(server, *words):
    """Raw: redis-py's own parsers would be in the way."""
    return server.ask(*words)


def test_010_redis_fails_over_while_nobody_operates(lab, cluster):
    """All operators are down; what Redis does meanwhile is adopted, not undone."""
    cluster.formed()
    with cluster.witness() as witness:
        witness.write()
    audit = cluster.audit().now()
    for host in lab.hosts:
        host.operator.process.signal(signal.SIGTERM)
    for host in lab.hosts:
        host.operator.process.stop()
    victim = cluster.roles()["primary"][0]
    victim.process.kill()
    wait_until("Redis has elected the replica", lambda: len(cluster.roles()["primary"]) == 3, 20)
    primaries = set(cluster.roles()["primary"])
    audit.assert_untouched()
    lab.start_operators()
    cluster.declared.until_condition("SlotsCovered", "True")
    cluster.declared.until_condition("Observed", "False", "ConnectionRefused", cluster.identity(victim))
    cluster.start(1, hosts=[cluster.hosts[victim]], port=victim.port)  # as its supervisor would, with nothing in it
    cluster.declared.until_ready()
    cluster.assert_whole()
    assert set(cluster.roles()["primary"]) == primaries, "the one that came back follows"
    audit.assert_fenced()
    with cluster.witness() as witness:
        witness.read()


def test_011_host_of_leader_and_primary_dies(lab, cluster, measured):
    """Power off: its Consul server, its operator, its instances, all at once and without a word."""
    cluster.formed()
    with cluster.witness() as witness:
        witness.write()
    before, dead = lab.leader(), lab.leader_host()
    primaries = cluster.roles()["primary"]
    assert any(cluster.hosts[server] is dead for server in primaries)
    began = time.monotonic()
    for other in lab.others(dead):
        dead.link.cut(other.link)
    for process in (dead.consul.process, dead.operator.process, *(server.process for server in cluster.on(dead))):
        process.kill()
    after = lab.wait_leader(other_than=before["instance"], seconds=60)
    measured("death of the leader's host to the next leader (no promise)", since(began))
    assert after["epoch"] == before["epoch"] + 1
    cluster.declared.until("all slots are served", lambda status: status["slots"]["served"] == 16384)
    measured("death of the leader's host to all slots served (no promise)", since(began))
    cluster.declared.until_condition("ReplicasInSync", "False", "ReplicasMissing")
    with cluster.witness() as witness:
        witness.read()

    dead.link.heal()
    dead.consul.restart()
    lab.wait_whole()
    for server in cluster.on(dead):
        cluster.start(1, hosts=[dead], port=server.port)
    cluster.declared.until_ready(60)
    cluster.assert_whole()
    cluster.audit().assert_fenced()
    with cluster.witness() as witness:
        witness.read()


def test_077_shard_loses_all_its_instances(lab, cluster):
    """What it held is lost. Empty instances in their place get no slots without consent."""
    cluster.formed()
    with cluster.witness() as witness:
        table = witness.table()
        primary = next(row for row in table.values() if not row.is_replica)
        lost = [row for row in table.values() if primary.id in (row.id, row.primary)]
    victims = [cluster.by_address(row.address) for row in lost]
    for server in victims:
        server.process.kill()
    cluster.declared.until("fewer slots are served", lambda status: status["slots"]["served"] == 16384 - primary.slot_count())
    empty = [cluster.start(1, hosts=[cluster.hosts[server]], port=server.port)[0] for server in victims]
    condition = cluster.declared.until_condition("SlotsCovered", "False", "ShardDataLost", primary.id[:8])
    assert "nothing is assigned without consent" in condition["message"]
    nodes = {ask(server, "CLUSTER", "MYID") for server in empty}
    deadline = time.monotonic() + 3  # Nothing tells that something will not happen.
    while time.monotonic() < deadline:
        with cluster.witness() as witness:
            assert all(not row.slots for table in witness.tables() for row in table.values() if row.id in nodes)
        time.sleep(0.1)
    cluster.audit().assert_fenced()


def test_078_all_instances_restart_on_new_ports(lab, cluster, measured):
    """With their data, on their hosts, and nobody knows where the others are."""
    cluster.formed(settings=DURABLE)
    with cluster.witness() as witness:
        witness.write()
        nodes = set(witness.node_ids())
    before = cluster.declared.record()["members"]
    first = list(cluster.servers)
    cluster.end(first)
    began = time.monotonic()
    again = [cluster.start(1, hosts=[cluster.hosts[server]], folder=server.folder, keep_data=True, settings=DURABLE)[0]
             for server in first]  # fmt: skip
    assert not {server.port for server in first} & {server.port for server in again}
    addresses = {f"{server.address}:{server.port}" for server in again}
    cluster.declared.until("Ready on the new ports", lambda status: status["phase"] == "Ready" and {
        one["address"] for one in status["instances"]} == addresses, 60)  # fmt: skip
    measured("all instances restarted on new ports to Ready", since(began))
    cluster.assert_whole()
    after = cluster.declared.record()["members"]
    assert sorted(after.values()) == sorted(before.values())
    assert set(after) == {cluster.identity(server) for server in again}
    with cluster.witness() as witness:
        assert set(witness.node_ids()) == nodes
        witness.read()
    cluster.audit().assert_fenced()


def test_079_two_instances_with_one_node_id(lab, cluster):
    """A copied disk: both are named, neither is told anything, and the member stays what it is."""
    cluster.formed()
    audit, epochs = cluster.audit().now(), cluster.epochs()
    original = cluster.roles()["replica"][0]
    copy = cluster.hosts[original].folder / "copy"
    copy.mkdir(exist_ok=True)
    line = next(line for line in (original.folder / "nodes.conf").read_text().splitlines() if "myself" in line)
    (copy / "nodes.conf").write_text(f"{line.split()[0]} :0@0 myself,master - 0 0 0 connected\nvars currentEpoch 0 lastVoteEpoch 0\n")
    twin = cluster.start(1, hosts=[lab.others(cluster.hosts[original])[0]], folder=copy, keep_data=True)[0]
    assert ask(twin, "CLUSTER", "MYID") == ask(original, "CLUSTER", "MYID")
    condition = cluster.declared.until_condition("MembersKnown", "False", "DuplicateNode")
    assert cluster.identity(twin) in condition["message"] and cluster.identity(original) in condition["message"]
    cluster.end([twin])
    cluster.servers.remove(twin)
    cluster.declared.until_ready()
    audit.assert_untouched()
    assert cluster.epochs() == epochs


def test_080_member_of_another_cluster_under_our_name(lab, cluster, tmp_path):
    """It is registered under both services: named, and nobody is merged."""
    cluster.formed()
    other = Hosted(lab, "theirs", tmp_path / "theirs")
    try:
        other.formed(primaries=3, replicas=0)
        with other.witness() as witness:
            witness.write()
        theirs = other.servers[0]
        audit = other.audit().now()
        cluster.hosts[theirs] = other.hosts[theirs]
        cluster.register(theirs)
        cluster.declared.until_condition("MembersKnown", "False", "ClaimedElsewhere", str(theirs.port))
        with other.witness() as witness:
            assert all(len(table) == 3 for table in witness.tables())
            witness.read()
        with cluster.witness() as witness:
            assert all(len(table) == 6 for table in witness.tables())
        cluster.deregister(theirs)
        cluster.declared.until_ready()
        audit.assert_untouched()
    finally:
        other.close()


def test_081_stranger_with_keys_under_our_name(lab, cluster):
    """It is announced under the service of a formed cluster: named, left alone, and its keys are its own."""
    cluster.formed()
    with cluster.writer() as writer:
        stranger = cluster.start(1, register=False)[0]
        assert ask(stranger, "CLUSTER", "ADDSLOTSRANGE", "0", "16383") == "OK"
        wait_until("it serves", lambda: ask(stranger, "SET", "mine", "1") == "OK", 10)
        assert ask(stranger, "CLUSTER", "DELSLOTSRANGE", "0", "16383") == "OK"
        audit = cluster.audit().now()
        cluster.register(stranger)
        condition = cluster.declared.until_condition("MembersKnown", "False", "HoldsKeys", str(stranger.port))
        assert "keys" in condition["message"]
        writer.wait_written(200)
        assert ask(stranger, "DBSIZE") == "1"
        assert ask(stranger, "CLUSTER", "NODES").count("\n") == 1, "it knows nobody"
        assert len(cluster.declared.record()["members"]) == 6
        audit.assert_untouched()
        cluster.deregister(stranger)
        cluster.declared.until_ready()
    writer.assert_never_refused()
    writer.assert_nothing_lost()


def test_088_silent_member_is_not_forgotten_and_a_forgotten_one_comes_back(lab, cluster):
    """A hung replica stays a member. One whose owner took it away is forgotten everywhere; it may come back."""
    cluster.formed()
    replica = cluster.roles()["replica"][0]
    node = ask(replica, "CLUSTER", "MYID")
    replica.process.signal(signal.SIGSTOP)
    cluster.declared.until_condition("Observed", "False", "Silent", cluster.identity(replica))
    assert node in cluster.declared.record()["members"].values()
    cluster.deregister(replica)
    rest = [server for server in cluster.servers if server is not replica]
    with cluster.witness(rest) as witness:
        wait_until("everybody has forgotten it", lambda: all(node not in table for table in witness.tables()), 40, 0.1)
    assert node not in cluster.declared.record()["members"].values()
    replica.process.signal(signal.SIGCONT)
    cluster.register(replica)
    cluster.declared.until_ready(90)
    cluster.assert_whole(seconds=70)
    cluster.audit().assert_fenced()


def test_102_password_of_one_member_is_changed(lab, cluster):
    """Nobody can ask it any more. It is named, and it is not dead."""
    cluster.formed()
    with cluster.witness() as witness:
        witness.write()
    audit, epochs = cluster.audit().now(), cluster.epochs()
    odd = cluster.roles()["replica"][0]
    with redis.Redis(*odd.endpoint) as connection:
        connection.config_set("requirepass", "not-ours")
        connection.client_kill_filter(_type="normal", skipme=True)
        condition = cluster.declared.until_condition("MembersKnown", "False", "WrongPassword", cluster.identity(odd))
        assert "not-ours" not in str(cluster.declared.status()) and "credentials" in condition["message"]
        assert len(cluster.declared.record()["members"]) == 6
        connection.auth("not-ours")
        connection.config_set("requirepass", "")
    cluster.declared.until_ready()
    audit.assert_untouched()
    assert cluster.epochs() == epochs


def test_085_replica_moved_by_hand(lab, cluster):
    """Somebody lets it follow another primary: the one that lacks a replica gets one again, by one correction."""
    cluster.formed()
    audit = cluster.audit().now()
    with cluster.witness() as witness:
        table = witness.table()
    moved = next(row for row in table.values() if row.is_replica)
    other = next(row for row in table.values() if not row.is_replica and row.id != moved.primary)

    def told() -> list[str]:
        return [event["message"] for event in cluster.declared.document("events") if " follow " in event["message"]]

    before = told()
    assert ask(cluster.by_address(moved.address), "CLUSTER", "REPLICATE", other.id) == "OK"
    wait_until("it is put right", audit.all, 30)
    wait_until("an event says so", lambda: len(told()) == len(before) + 1, 30)
    cluster.declared.until_ready()
    cluster.assert_whole()
    with cluster.witness() as witness:
        followed = [row.primary for row in witness.table().values() if row.is_replica]
    assert len(set(followed)) == 3, "one replica each"
    audit.assert_fenced()
    assert [entry.words[:2] for entry in audit.all()] == [["CLUSTER", "REPLICATE"]]


def test_089_config_epochs_are_apart(lab, cluster):
    """From the first moment on: equal ones would be settled between the instances some time later."""
    cluster.formed()
    epochs = cluster.epochs()
    assert len(set(epochs.values())) == 3 and "0" not in epochs.values(), epochs
    with cluster.witness() as witness:
        tables = [{row.id: row.epoch for row in table.values() if not row.is_replica} for table in witness.tables()]
    assert all(table == epochs for table in tables)


class Nonsense:
    """Listens at the bridge, and answers every request with the same bytes."""

    def __init__(self, answer: bytes):
        self._answer = answer
        self._listener = socket.create_server(("10.77.0.254", 0))
        self.port = self._listener.getsockname()[1]
        self.asked = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            while connection.recv(65_536):
                self.asked += 1
                connection.sendall(self._answer)
        except OSError:
            pass  # It has heard enough.
        connection.close()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def memory(pid: int) -> int:
    """MiB that a process has in memory."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) // 1024


@pytest.mark.parametrize("answer", [b"*1000000000\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"], ids=["huge", "http"])
def test_106_instance_that_answers_nonsense(lab, cluster, answer):
    """It is named, costs no memory, and nobody else waits for it."""
    cluster.formed()
    audit = cluster.audit().now()
    operator = lab.leader_host().operator
    before = memory(operator.process.pid)
    nonsense = Nonsense(answer)
    try:
        agent = lab.hosts[0].consul
        agent.register(cluster.name, f"{nonsense.port}", "10.77.0.254", nonsense.port)
        cluster.declared.until_condition("MembersKnown", "False", "ProtocolError", str(nonsense.port))
        wait_until("it was asked again", lambda: nonsense.asked >= 3, 30)
        assert memory(operator.process.pid) - before < 32
        assert cluster.declared.status()["slots"]["served"] == 16384
        agent.deregister(f"{nonsense.port}")
        cluster.declared.until_ready()
    finally:
        nonsense.close()
    audit.assert_untouched()

"""Links between hosts that are cut, lose packets and heal. Redis goes on, and nobody makes it worse."""

import contextlib
import subprocess
import time

import pytest
from lab.hosted import NODE_TIMEOUT_MS
from lab.process import SERVERS, wait_until


@contextlib.contextmanager
def borne(cluster, node_timeout=5_000):
    """A formed cluster with this node timeout in milliseconds (the shipped job's), and a client that writes to it. No
    instance is given up, no primary changes, nothing is lost."""
    cluster.formed(settings={"cluster-node-timeout": node_timeout})
    epochs, members = cluster.epochs(), cluster.declared.record()["members"]
    audit = cluster.audit().now()
    with cluster.writer() as writer:
        yield writer
        cluster.lab.heal()
        cluster.lab.wait_whole()
        cluster.lab.until_one_leads()
        cluster.declared.until_ready()
        writer.wait_written()
    writer.assert_nothing_lost()
    audit.assert_fenced()
    assert cluster.epochs() == epochs
    assert cluster.declared.record()["members"] == members
    cluster.assert_whole()


def ask_from(host, server, *words: str) -> str:
    """redis-cli on a host; what it says, or nothing when it hears nothing for half a second."""
    command = [*host.link.inside(), "timeout", "0.5", str(SERVERS / "redis-cli"), "-h", server.address, "-p", str(server.port)]
    return subprocess.run([*command, *words], capture_output=True, text=True, timeout=10, check=False).stdout.strip()


def test_the_lab_itself_cuts_and_heals(lab, cluster):
    near, far, third = lab.hosts
    server = cluster.start(1, hosts=[far], register=False)[0]
    for way in ("input", "output", "both"):
        near.link.cut(far.link, way=way)
        assert ask_from(near, server, "PING") == "", way
        assert ask_from(third, server, "PING") == "PONG"
        assert server.ask("PING") == "PONG", "the bridge is never cut off"
        assert near.link.dropped()
        near.link.heal()
        assert ask_from(near, server, "PING") == "PONG"
    near.link.lose(99)
    assert ask_from(near, server, "PING") == ""


def test_the_proofs_themselves_can_fail(lab, cluster):
    """What these stories rely on finds what it is there to find."""
    cluster.formed()
    audit = cluster.audit().now()
    with cluster.writer() as writer:
        writer.wait_written(100)
        audit.assert_untouched()
        audit.assert_fenced()
        victim = cluster.roles()["primary"][0]
        ask_from(lab.hosts[0], victim, "CONFIG", "SET", "maxmemory", "0")
        writer.stop()
    writer.assert_nothing_lost()
    with pytest.raises(AssertionError, match="1 changes"):
        audit.assert_untouched()
    with pytest.raises(AssertionError, match="no operator's name"):
        audit.assert_fenced()
    assert victim.ask("FLUSHALL") == "OK"
    with pytest.raises(AssertionError, match="acknowledged writes are lost"):
        writer.assert_nothing_lost()
    with cluster.writer() as writer:
        writer.wait_written(20)
        victim.process.kill()
        cluster.declared.until("it is missed", lambda status: status["slots"]["served"] < 16384)
    with pytest.raises(AssertionError, match="writes failed"):
        writer.assert_never_refused()


def missed(cluster, by, of) -> bool:
    """Every instance on the one host has heard nothing from any on the other one for a node timeout."""
    endpoints = {f"{server.address}:{server.port}" for server in cluster.on(of)}
    with cluster.witness(cluster.on(by)) as witness:
        return all(
            row.flags & {"fail?", "fail"} for table in witness.tables() for row in table.values() if row.address in endpoints
        )


def test_057_packets_pass_in_one_direction_only(lab, cluster):
    """What one host sends to another one is lost, then what it receives from there, for longer than the node timeout. They
    miss each other, the third host's instances see both: no reason for Redis to elect, nor for anybody to give one up."""
    with borne(cluster, NODE_TIMEOUT_MS) as writer:
        near = lab.leader_host()
        far = lab.others(near)[0]
        for way in ("output", "input"):
            near.link.cut(far.link, way=way)
            wait_until("they miss each other", lambda: missed(cluster, near, far) and missed(cluster, far, near), 20)
            time.sleep(1)  # The fault lasts so much longer: they have told the third one, who could agree.
            assert near.link.dropped() > 10, way
            near.link.heal()
            cluster.assert_whole(seconds=20)
    writer.assert_never_refused()


def test_058_a_third_of_all_packets_is_lost(lab, cluster):
    with borne(cluster):
        for host in lab.hosts:
            host.link.lose(17)  # Once as it leaves, once as it arrives: 31 percent of them.
        time.sleep(8)  # The fault lasts so long.
        assert sum(host.link.dropped() for host in lab.hosts) > 100


@contextlib.contextmanager
def alone(lab, host):
    """No packet between this host and the others, and some that had to be dropped."""
    for other in lab.others(host):
        host.link.cut(other.link)
    yield
    assert host.link.dropped() > 0
    host.link.heal()


def test_059_link_flaps(lab, cluster):
    """A host's only one, for less than the node timeout: nobody minds."""
    with borne(cluster):
        host = lab.leader_host()
        for _ in range(5):
            with alone(lab, host):
                time.sleep(1)  # The fault lasts so long.
            time.sleep(1)


def test_059_link_flaps_for_longer_than_the_node_timeout(lab, cluster):
    """Redis elects another primary for the one that is away, once. The operators give up nobody and change nothing."""
    cluster.formed()
    with cluster.witness() as witness:
        witness.write()
    members, audit = cluster.declared.record()["members"], cluster.audit().now()
    host = lab.leader_host()
    elected = []
    for _ in range(2):
        before = cluster.epochs()
        with alone(lab, host):
            time.sleep(1.5 * NODE_TIMEOUT_MS / 1000)  # The fault lasts so long, the first time until it has had its effect.
            if not elected:
                wait_until("another one is elected", lambda: len(cluster.roles()["primary"]) == 4, 20)
        cluster.assert_whole(seconds=20)
        elected.append(len(cluster.epochs().items() - before.items()))
    assert elected == [1, 0], "the second time it has no primary any more"
    lab.wait_whole()
    lab.until_one_leads()
    cluster.declared.until_ready()
    assert cluster.declared.record()["members"] == members
    assert not cluster.declared.record().get("former")
    audit.assert_untouched()
    with cluster.witness() as witness:
        witness.read()


def test_061_leader_cut_off_from_an_instance_while_forming(lab, cluster):
    """It leads, Consul is well, only one instance is out of its sight: it waits, says for whom, and goes on."""
    cluster.start(6)
    leader = lab.leader_host()
    silent = cluster.on(lab.others(leader)[0])[0]
    cluster.declare()
    cluster.declared.until_record("forming", lambda record: record.get("state") == "forming")
    leader.link.drop(f"ip daddr {silent.address} tcp dport {silent.port}", "output")
    assert cluster.declared.record()["state"] == "forming", "too late to tell anything"
    cluster.declared.until_condition("Formed", "False", "Forming", f"{cluster.identity(silent)} does not answer")
    assert cluster.declared.record()["state"] == "forming"
    assert cluster.identity(silent) in cluster.declared.record()["members"], "silence is no death"
    leader.link.heal()
    cluster.declared.until_ready()
    cluster.assert_whole()
    cluster.audit().assert_fenced()


def test_063_bus_port_is_blocked(lab, cluster):
    """An instance that answers to clients but not to its peers is no member yet, whatever was told to it."""
    cluster.start(6)
    closed = cluster.servers[0]
    host = cluster.hosts[closed]
    host.link.drop(f"ip saddr 10.77.0.0/24 tcp dport {closed.bus_port}", "input")
    host.link.drop(f"ip daddr != {host.address} ip daddr 10.77.0.0/24 tcp sport {closed.bus_port}", "output")
    cluster.declare()
    cluster.declared.until("waits", lambda status: status["phase"] == "Forming")
    host.link.until_dropped(20)
    deadline = time.monotonic() + 3  # Forming takes half a second when nothing is in its way.
    while time.monotonic() < deadline:
        status = cluster.declared.status()
        assert status["phase"] == "Forming" and cluster.declared.record()["state"] == "forming"
    host.link.heal()
    cluster.declared.until_ready()
    cluster.assert_whole()
    cluster.audit().assert_fenced()

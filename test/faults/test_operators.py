"""Several operators on several hosts: one acts, the others show what they see, and one of those takes over."""

import contextlib
import json
import signal
import time
import urllib.request

import pytest
from lab.declared import Declared
from lab.hosts import gauge, since
from lab.process import stop_all, wait_until


def test_standbys_serve_and_say_who_leads(lab, cluster):
    cluster.formed()
    leader = lab.leader_host()
    epoch = lab.leader()["epoch"]
    standbys = lab.others(leader)
    assert [gauge(host.operator, "redis_operator_leading") for host in standbys] == [0, 0]
    for host in lab.hosts:
        assert gauge(host.operator, "redis_operator_epoch") == epoch
        status = cluster.seen_by(host.operator).until_ready()
        assert status["slots"] == {"assigned": 16384, "served": 16384}
        assert len(status["instances"]) == 6
        with urllib.request.urlopen(f"{host.operator.url}/v1/clusters", timeout=3) as answer:
            assert [one["name"] for one in json.load(answer)] == [cluster.name]
            assert leader.name in answer.headers["Redis-Operator-Leader"]
            assert answer.headers["Redis-Operator-Leading"] == ("yes" if host is leader else "no")
        code, text = host.operator.http("/readyz")
        assert code == 200 and lab.leader()["instance"] in text
        assert host.operator.cli("wait", cluster.name, "--timeout", "10s").returncode == 0  # its key is written once a second
    cluster.audit().assert_fenced()


def test_leader_that_is_told_to_end_is_followed_at_once(lab, cluster, measured):
    """The promise: half a second, each time."""
    cluster.formed()
    times = []
    with cluster.served_all_along():
        for _ in range(3):
            before, host = lab.leader(), lab.leader_host()
            began = time.monotonic()
            host.operator.process.signal(signal.SIGTERM)
            after = lab.wait_leader(other_than=before["instance"])
            times.append(since(began))
            assert times[-1] <= 0.5, times
            assert after["epoch"] == before["epoch"] + 1
            assert host.operator.process.stop() == 0
            host.start_operator().wait()
            lab.until_one_leads()
        measured("SIGTERM of the leader to the next leader, at most", max(times))


def test_001_leader_killed_while_idle(lab, cluster, measured):
    """The promise: five seconds until another one may act, each time. Handing over is no reason to touch any Redis."""
    cluster.formed()
    locks, leases = [], []
    with cluster.served_all_along():
        for _ in range(2):
            before, host = lab.leader(), lab.leader_host()
            began = time.monotonic()
            host.operator.process.kill()
            after = lab.wait_leader(other_than=before["instance"])
            locks.append(since(began))
            assert lab.until_one_leads() is not host
            leases.append(since(began))
            assert leases[-1] <= 5, leases
            assert after["epoch"] == before["epoch"] + 1
            host.start_operator().wait()
        measured("kill -9 of the leader to the next one's lock, at most", max(locks))
        measured("kill -9 of the leader to the next one's lease, at most", max(leases))
        cluster.declared.until_ready()


# nft's way to say: the TCP payload (behind a header of 32 bytes) begins with `*4 $6 CONFIG`, the first command that
# forming sends to an instance.
CONFIG_SET = "@th,256,128 0x2a340d0a24360d0a434f4e4649470d0a"


def test_006_leader_paused_past_its_lease_with_commands_on_the_way(lab, cluster):
    """What it has given to its kernel arrives long after another one leads. The connection has ended by then."""
    cluster.start(6)
    before, late = lab.leader(), lab.leader_host()
    target = cluster.on(lab.others(late)[0])[0]
    late.link.drop(f"ip daddr {target.address} tcp dport {target.port} {CONFIG_SET}", "output")
    cluster.declare()
    late.link.until_dropped()
    late.operator.process.signal(signal.SIGSTOP)
    after = lab.wait_leader(other_than=before["instance"])
    assert late.link.on_the_way(target.address, target.port), "or there is nothing to be fenced"
    assert cluster.declared.record()["state"] == "forming", "paused too late to tell anything"
    cluster.declared.until_ready()

    late.link.heal()
    wait_until("what was on its way has arrived", lambda: not late.link.on_the_way(target.address, target.port), 20)
    late.operator.process.signal(signal.SIGCONT)
    wait_until("the late one knows that it leads no more", lambda: gauge(late.operator, "redis_operator_epoch") == after["epoch"], 10)
    assert gauge(late.operator, "redis_operator_leading") == 0
    late.operator.wait()
    cluster.assert_whole()
    audit = cluster.audit()
    audit.assert_fenced()
    assert {entry.epoch for entry in audit.changes(target)} == {after["epoch"]}
    with cluster.witness() as witness:
        assert witness.settings("cluster-node-timeout") == {"2000"}


def test_065_operators_paused_and_woken(lab, cluster):
    """All at once, past every time: they wake up with a lease that has ended, and find out before they act."""
    cluster.formed()
    with cluster.served_all_along(untouched=False):
        for host in lab.hosts:
            host.operator.process.signal(signal.SIGSTOP)
        wait_until("the lock is free", lambda: not lab.leader(), 10)
        replica = cluster.roles()["replica"][0]
        cluster.end([replica])
        for host in lab.hosts:
            host.operator.process.signal(signal.SIGCONT)
        lab.until_one_leads()
        cluster.declared.until_condition("ReplicasInSync", "False", "ReplicasMissing")


def test_009_second_operator_on_one_host(lab, cluster):
    """It does not keep alive what its neighbour held."""
    cluster.formed()
    audit = cluster.audit().now()
    host = lab.leader_host()
    second = host.start_operator(name="second", port=9481).wait()
    try:
        for other in lab.others(host):
            other.operator.process.stop()
        before = lab.leader()
        began = time.monotonic()
        host.operator.process.kill()
        after = lab.wait_leader(other_than=before["instance"])
        assert since(began) <= 5
        assert after["address"] == second.listen
        assert after["epoch"] == before["epoch"] + 1
        cluster.declared.until_ready()
        audit.assert_untouched()
    finally:
        second.process.stop()


def test_013_operator_that_dies_again_and_again(lab, cluster):
    """Each leader lives for a moment only; what is begun is finished all the same, and nothing twice."""
    cluster.start(6)
    killed = 0
    cluster.declare()
    for _ in range(4):
        before, host = lab.wait_leader(), lab.leader_host()
        host.operator.process.kill()
        killed += 1
        lab.wait_leader(other_than=before["instance"])
        host.start_operator()
    cluster.declared.until_ready()
    cluster.assert_whole()
    audit = cluster.audit()
    audit.assert_fenced()
    shared = [entry for entry in audit.all() if entry.words[:2] == ["CLUSTER", "ADDSLOTSRANGE"]]
    assert len(shared) == 3, [str(entry) for entry in shared]


@pytest.fixture
def alone(lab):
    """The only operator, with much to look at: whatever it sees, nobody else is there to do it."""
    host = lab.hosts[0]
    stop_all([one.operator.process for one in lab.hosts])
    yield host.start_operator("--resync", "500ms").wait()
    host.wake()
    host.operator.process.stop()


LATE = 5  # Seconds: more than three leases.


def test_014_operator_that_hardly_runs(lab, cluster, alone):
    """All its timers are five seconds late, twice. It has lost the lead each time, and what it then finds to do is done when
    it leads again: in a greater epoch, and not one command before."""
    lab.until_one_leads()
    cluster.formed()
    setting, odd = "cluster-allow-replica-migration", cluster.roles()["primary"][0]
    with cluster.served_all_along(untouched=False), cluster.witness([odd]) as witness:
        before, audit = lab.leader(), cluster.audit().now()
        for _ in range(2):
            epoch = gauge(alone, "redis_operator_epoch")
            alone.process.signal(signal.SIGSTOP)
            until = time.monotonic() + LATE
            wait_until("its lead is lost", lambda: not lab.leader(), LATE)
            witness.set(setting, "yes")  # By somebody: there is something to do once it wakes up.
            time.sleep(max(0.0, until - time.monotonic()))  # The fault lasts so long.
            alone.process.signal(signal.SIGCONT)
            leads = gauge(alone, "redis_operator_leading")
            assert leads == 0 or lab.leader().get("epoch", 0) > epoch, "it thinks that it still leads"
            time.sleep(0.5)  # So little it runs: a tenth of the time.
        lab.until_one_leads()
        after = lab.leader()
        assert after["instance"] == before["instance"] and after["epoch"] > before["epoch"]
        wait_until("it does what there is to do", lambda: witness.settings(setting) == {"no"}, 20)
        cluster.declared.until_ready()
        done = audit.all()
        assert {entry.epoch for entry in done} == {after["epoch"]}, [str(entry) for entry in done]
        assert ["CONFIG", "SET"] in [entry.words[:2] for entry in done]


def test_082_leader_killed_while_a_newcomer_joins(lab, cluster):
    """It is of record, and perhaps it has met the others already: the next leader gives it its place."""
    cluster.formed()
    leader = lab.leader_host()
    newcomer = cluster.start(1)[0]
    cluster.declared.until_record("it is entered", lambda record: cluster.identity(newcomer) in record["members"])
    leader.operator.process.kill()
    cluster.declared.until("it follows somebody", lambda status: any(
        one["instance"] == cluster.identity(newcomer) and one["role"] == "replica" for one in status["instances"]
    ))  # fmt: skip
    cluster.declared.until_ready()
    cluster.assert_whole(replicas=4)
    cluster.audit().assert_fenced()


def test_098_spec_that_flaps(lab, cluster):
    """Two wishes take turns. The newest wins, and nothing is done at Redis that none of them asked for."""
    cluster.formed()
    audit = cluster.audit().now()
    for i in range(21):
        cluster.declare(balance={"threshold": 0.02 + 0.01 * (i % 2)})
        time.sleep(0.1)
    key = f"redis-operator/clusters/{cluster.name}/spec"
    newest = lab.consul.call("GET", f"/v1/kv/{key}")[1][0]["ModifyIndex"]
    cluster.declared.until("the newest is in force", lambda status: status["specIndex"] == newest and status["phase"] == "Ready")
    audit.assert_untouched()


def test_operator_of_another_installation(lab, cluster):
    """It has keys of its own, and the same service is declared in them: it finds a cluster that is not its own."""
    cluster.formed()
    audit, epochs = cluster.audit().now(), cluster.epochs()
    host = lab.others(lab.leader_host())[0]
    other = host.start_operator("--service-name", "elsewhere", name="elsewhere", port=9482, kv_prefix="elsewhere/")
    theirs = Declared(lab, cluster.name, prefix="elsewhere/", url=other.url)
    try:
        with cluster.writer() as writer:
            theirs.put(cluster.spec())
            theirs.until("leaves it alone", lambda one: one["phase"] != "Ready" and one["reason"] in ("OtherOperator", "ExistingCluster"))
            writer.wait_written(200)
            assert theirs.record().get("state", "accepted") == "accepted"
            audit.assert_untouched()
    finally:
        other.process.stop()
        theirs.remove()
    writer.assert_never_refused()
    writer.assert_nothing_lost()
    cluster.declared.until_ready()
    assert cluster.epochs() == epochs


@contextlib.contextmanager
def newer_operator(lab):
    """One of a later version leads, as far as Consul can tell: its lock says more than those of today know. Crashes at the
    end."""
    consul = lab.hosts[0].consul
    epoch = int(consul.get("redis-operator/epoch")) + 1
    value = {
        "instance": "later", "address": "10.77.0.254:9480", "version": "99.0.0", "epoch": epoch, "host": "h9",
        "pulse": [1, 2], "shards": {"of": "work"},
    }  # fmt: skip
    status, session = consul.call("PUT", "/v1/session/create", {"LockDelay": "0s", "TTL": "60s", "Behavior": "release"})
    assert status == 200, session
    try:
        status, taken = consul.call("PUT", f"/v1/kv/redis-operator/leader?acquire={session['ID']}", json.dumps(value).encode())
        assert status == 200 and taken is True, taken
        consul.put("redis-operator/epoch", str(epoch).encode())
        yield epoch
    finally:
        consul.call("PUT", f"/v1/session/destroy/{session['ID']}")


def test_008_operator_of_a_newer_version_led(lab, cluster):
    """It is followed while it leads; what it wrote and today's cannot read, they do not act on, and they say so."""
    cluster.formed()
    key, sound = cluster.declared.key("record"), cluster.declared.record()
    with cluster.served_all_along():
        for host in lab.hosts:
            host.operator.process.stop()
        with newer_operator(lab) as epoch:
            for host in lab.hosts:
                host.start_operator().wait()
                assert "later" in host.operator.http("/readyz")[1], "they say who leads"
            newer = {**sound, "version": 2, "quorum": {"witnesses": ["h9"]}}
            lab.consul.put(key, json.dumps(newer).encode())
            for host in lab.hosts:
                assert gauge(host.operator, "redis_operator_leading") == 0
                assert gauge(host.operator, "redis_operator_epoch") == epoch
        wait_until("one of today's leads", lambda: lab.leader().get("epoch") == epoch + 1, 20)
        lab.until_one_leads()
        condition = cluster.declared.until_condition("Observed", "False", "StoreUnavailable", "$.version: 2")
        assert "nothing is changed" in condition["message"]
        assert cluster.declared.record() == newer, "nobody puts an older one in its place"
        lab.consul.put(key, json.dumps(sound).encode())
        cluster.declared.until_ready()

"""Consul at its worst, but for a whole minute without it: test_outage.py."""

import signal
import time
import urllib.request

import pytest
from lab.hosts import CONSUL, HTTP, SERF, gauge, since
from lab.meddler import Meddler
from lab.names import Names
from lab.net import separate
from lab.process import wait_until


@pytest.fixture
def busy(cluster):
    """A formed cluster that a client writes to. Whatever Consul does, no write fails, none is lost, and nobody changes
    anything at any Redis."""
    cluster.formed()
    with cluster.served_all_along():
        yield cluster
        cluster.declared.until_ready()


def consul_leader(lab):
    return lab.host(wait_until("Consul has a leader", lambda: lab.consul.leader(), 20))


def test_017_consul_elects_another_leader(lab, busy):
    server = consul_leader(lab)
    server.consul.process.kill()
    wait_until("another server leads", lambda: lab.consul.leader() not in ("", server.address), 20)
    lab.until_one_leads()
    server.consul.restart()
    lab.wait_whole()
    lab.until_one_leads()


def test_004_017_consul_server_restarted_in_the_middle_of_a_formation(lab, cluster):
    held_up = cluster.start(6)[0].process  # Nothing is complete without it.
    cluster.declare()
    cluster.declared.until_record("forming", lambda record: record.get("state") == "forming")
    held_up.signal(signal.SIGSTOP)
    assert cluster.declared.record()["state"] == "forming", "too late to tell anything"
    server = consul_leader(lab)
    server.consul.process.kill()
    wait_until("another server leads", lambda: lab.consul.leader() not in ("", server.address), 20)
    server.consul.restart()
    held_up.signal(signal.SIGCONT)
    cluster.declared.until_ready()
    cluster.assert_whole()
    assert cluster.declared.record()["state"] == "formed"
    cluster.audit().assert_fenced()
    lab.wait_whole()


def test_020_agent_restarted_under_the_leader(lab, busy):
    before, host = lab.leader(), lab.leader_host()
    host.consul.process.kill()
    host.consul.restart()
    lab.wait_whole()
    assert lab.until_one_leads()
    assert lab.leader()["epoch"] in (before["epoch"], before["epoch"] + 1)


def test_021_session_destroyed_under_the_leader(lab, busy):
    before = lab.leader()
    _, (key,) = lab.consul.call("GET", "/v1/kv/redis-operator/leader")
    began = time.monotonic()
    assert lab.consul.call("PUT", f"/v1/session/destroy/{key['Session']}")[0] == 200
    wait_until("somebody leads in the next epoch", lambda: lab.leader().get("epoch") == before["epoch"] + 1, 5)
    lab.until_one_leads()
    assert since(began) <= 10


def test_021_leader_that_cannot_renew(lab, busy, measured):
    """Every packet to its own agent is lost, and nothing else."""
    before, host = lab.leader(), lab.leader_host()
    began = time.monotonic()
    host.link.drop(f"ip daddr {host.address} tcp dport {HTTP}", "output")
    wait_until("it knows that it may not act", lambda: gauge(host.operator, "redis_operator_leading") == 0, 4)
    measured("leader cut off from its agent to leading no more", since(began))
    after = lab.wait_leader(other_than=before["instance"])
    assert after["epoch"] == before["epoch"] + 1
    assert lab.until_one_leads() is not host


def test_027_lock_and_epoch_deleted_under_the_leader(lab, busy):
    """What was counted is still known from elsewhere: no epoch is used again."""
    before = lab.leader()
    lab.consul.delete("redis-operator/epoch")
    lab.consul.delete("redis-operator/leader")
    wait_until("somebody leads in a greater epoch", lambda: lab.leader().get("epoch", 0) > before["epoch"], 10)
    lab.until_one_leads()


def test_026_keys_come_back_from_a_snapshot(lab, busy):
    """Consul is restored as it was some leaders ago: the epoch of the connections at Redis is not passed again."""
    saved = snapshot(lab)
    for _ in range(2):
        before = lab.leader()
        _, (key,) = lab.consul.call("GET", "/v1/kv/redis-operator/leader")
        lab.consul.call("PUT", f"/v1/session/destroy/{key['Session']}")
        wait_until("the next epoch", lambda: lab.leader().get("epoch", 0) > before["epoch"], 10)
        lab.until_one_leads()
    newest = lab.leader()["epoch"]
    busy.declared.until_ready()
    restore(lab, saved)
    wait_until("a greater epoch", lambda: lab.leader().get("epoch", 0) > newest, 40)
    lab.until_one_leads()


def snapshot(lab) -> bytes:
    with urllib.request.urlopen(f"{lab.consul.url}/v1/snapshot", timeout=10) as answer:
        return answer.read()


def restore(lab, saved: bytes) -> None:
    assert lab.consul.call("PUT", "/v1/snapshot", saved, timeout=20)[0] == 200


def test_028_record_replaced_by_garbage(lab, busy):
    """Nobody knows any more what was committed to: nothing is done until it is put right."""
    sound = lab.consul.get(busy.declared.key("record"))
    lab.consul.put(busy.declared.key("record"), b'{"version": 1, "state": "for')
    condition = busy.declared.until_condition("Observed", "False", "StoreUnavailable", "the record cannot be read")
    assert "nothing is changed" in condition["message"]
    lab.consul.put(busy.declared.key("record"), sound)
    busy.declared.until_ready()


def leads_without_consuls_lead(lab):
    """The leader's host, which is not the host of Consul's leader: that one would miss the others, and not they it."""
    host = lab.until_one_leads()
    if consul_leader(lab) is host:
        host.operator.process.stop()
        host.start_operator().wait()
        host = lab.until_one_leads()
    assert consul_leader(lab) is not host
    return host


def until_serf_health(lab, host, status):
    """As Consul's leader says; that this is missed and seen again is up to gossip."""
    def said():
        code, checks = lab.others(host)[0].consul.call("GET", f"/v1/health/node/{host.name}")
        return code == 200 and status in [check["Status"] for check in checks if check["CheckID"] == "serfHealth"]

    wait_until(f"{host.name} is {status} for the others", said, 30)


def test_029_gossip_flaps(lab, busy):
    """The leader's host comes and goes for the others' gossip, until Consul calls it critical. That takes the lead from it
    each time, and nothing else from anybody."""
    members = busy.declared.record()["members"]
    for _ in range(2):
        host, before = leads_without_consuls_lead(lab), lab.leader()
        host.link.drop(f"meta l4proto {{ tcp, udp }} th dport {SERF}")
        until_serf_health(lab, host, "critical")
        after = lab.wait_leader(other_than=before["instance"])
        assert after["epoch"] == before["epoch"] + 1
        busy.declared.until("every slot is served", lambda status: status["slots"]["served"] == 16384)
        host.link.heal()
        lab.wait_whole()
        until_serf_health(lab, host, "passing")
        assert busy.declared.record()["members"] == members
    lab.until_one_leads()
    assert not busy.declared.record().get("former"), "nobody was given up"


def test_060_host_cut_off_from_consul_only(lab, busy):
    """Its instances serve, its neighbours see that: no reason to do anything to them, nor to forget one."""
    host = lab.others(lab.leader_host())[0]
    members = busy.declared.record()["members"]
    for other in lab.others(host):
        for way in ("saddr", "daddr"):
            for port in ("sport", "dport"):
                host.link.drop(f"ip {way} {other.address} meta l4proto {{ tcp, udp }} th {port} {CONSUL}")
    wait_until("its gossip is missed", lambda: any(
        one["Status"] == "critical" for one in lab.leader_host().consul.call("GET", f"/v1/health/node/{host.name}")[1]
    ), 30)  # fmt: skip
    busy.declared.until("every slot is served", lambda status: status["slots"]["served"] == 16384)
    assert busy.declared.record()["members"] == members
    host.link.heal()
    lab.wait_whole()


def test_060_operator_on_the_minority_side(lab, cluster, measured):
    """The leader's host is alone: another one leads where Consul is, and the lone one only looks."""
    cluster.formed()
    with cluster.witness() as witness:
        witness.write()
    before, lone = lab.leader(), lab.leader_host()
    others = lab.others(lone)
    began = time.monotonic()
    separate([lone.link], [other.link for other in others])
    wait_until("it knows that it may not act", lambda: gauge(lone.operator, "redis_operator_leading") == 0, 4)
    after = lab.wait_leader(other_than=before["instance"], seconds=40)
    measured("leader's host cut off to the next leader (no promise)", since(began))
    assert after["epoch"] == before["epoch"] + 1
    next_host = lab.until_one_leads()
    assert next_host in others
    cluster.declared.until("Redis has elected another primary", lambda status: status["slots"]["served"] == 16384)
    for server in cluster.on(lone):
        cluster.declared.until_condition("Observed", "False", "", cluster.identity(server))
    assert len(cluster.declared.record()["members"]) == 6, "silence is no death"
    # Its agent refuses nothing, it only cannot answer: that shows when a question of 25 seconds is overdue.
    cluster.seen_by(lone.operator).until_condition("Observed", "False", "StoreUnavailable", seconds=45)
    lab.heal()
    lab.wait_whole()
    cluster.declared.until_ready()
    cluster.assert_whole()
    cluster.audit().assert_fenced()
    with cluster.witness() as witness:
        witness.read()


@pytest.fixture
def meddled(lab):
    """The only operator, on the first host, with somebody between it and its agent."""
    host = lab.hosts[0]
    for one in lab.hosts:
        one.operator.process.stop()
    meddler = Meddler((host.address, HTTP), "10.77.0.254")
    operator = host.start_operator(name="meddled", port=9481, consul_url=meddler.url)
    operator.meddler = meddler
    yield operator
    meddler.late = (0.0, 0.0)
    operator.process.stop()
    meddler.close()


def until_it_leads(lab, operator, seconds=20):
    wait_until("it leads", lambda: gauge(operator, "redis_operator_leading") == 1, seconds)
    return lab.leader()


def test_022_answer_to_taking_the_lock_is_lost(lab, cluster, meddled):
    """It was carried out: found by reading, and used, without taking another epoch."""
    before = until_it_leads(lab, meddled)
    meddled.meddler.swallow_answer_to(b'"lock"', b'"redis-operator/leader"')
    _, (key,) = lab.consul.call("GET", "/v1/kv/redis-operator/leader")
    lab.consul.call("PUT", f"/v1/session/destroy/{key['Session']}")
    assert meddled.meddler.swallowed.wait(20)
    wait_until("the lock is taken", lambda: lab.leader().get("epoch") == before["epoch"] + 1, 10)
    after = until_it_leads(lab, meddled)
    assert after["epoch"] == before["epoch"] + 1
    cluster.formed(primaries=3, replicas=0)
    assert lab.leader()["epoch"] == before["epoch"] + 1
    cluster.audit().assert_fenced()


@pytest.mark.parametrize("state", ["forming", "formed"])
def test_015_answer_to_writing_the_record_is_lost(lab, cluster, meddled, state):
    """What may have been written is read before anything is done; it is not written again by guess."""
    until_it_leads(lab, meddled)
    key = f'"redis-operator/clusters/{cluster.name}/record"'.encode()
    cluster.start(6)
    if state == "formed":
        held_up = cluster.servers[0].process
        cluster.declare()
        cluster.declared.until_record("forming", lambda record: record.get("state") == "forming")
        held_up.signal(signal.SIGSTOP)  # So that the next writing is the last one.
        meddled.meddler.swallow_answer_to(key)
        held_up.signal(signal.SIGCONT)
    else:
        meddled.meddler.swallow_answer_to(key)
        cluster.declare()
    assert meddled.meddler.swallowed.wait(20)
    cluster.declared.until_ready()
    cluster.assert_whole()
    audit = cluster.audit()
    audit.assert_fenced()
    shared = [entry for entry in audit.all() if entry.words[:2] == ["CLUSTER", "ADDSLOTSRANGE"]]
    assert len(shared) == 3, [str(entry) for entry in shared]


def test_058_consul_answers_late(lab, cluster, meddled):
    """Up to half a second each way: too late for a lease at times. Redis hears nothing of it."""
    cluster.formed()
    with cluster.served_all_along():
        meddled.meddler.late = (0.1, 0.5)
        time.sleep(8)  # The fault lasts so long.
        meddled.meddler.late = (0.0, 0.0)
        until_it_leads(lab, meddled, 30)
        cluster.declared.until_ready()


@pytest.fixture
def named(lab, tmp_path):
    """The only operator, on the first host, and its agent has a name."""
    names = Names(tmp_path)
    host = lab.hosts[0]
    names.address = host.address
    for one in lab.hosts:
        one.operator.process.stop()
    operator = host.start_operator(name="named", port=9481, consul_url=f"http://agent.example:{HTTP}")
    operator.names = names
    yield operator
    operator.process.stop()
    names.close()


def test_062_names_do_not_resolve(lab, cluster, named):
    """The agent's name: nobody answers, then somebody answers with where it was once. Looked up anew for each connection, and
    nothing at Redis depends on it. Instances are known by addresses: one with a name is said to have none."""
    until_it_leads(lab, named)
    cluster.formed()
    host, names, seen = lab.hosts[0], named.names, cluster.seen_by(named)
    with cluster.served_all_along():
        names.address = ""
        host.consul.process.kill()  # Its connections end.
        host.consul.restart()
        wait_until("it knows that it may not act", lambda: gauge(named, "redis_operator_leading") == 0, 10)
        lab.wait_whole()
        asked = names.asked
        seen.until_condition("Observed", "False", "StoreUnavailable", "agent.example")
        wait_until("it goes on asking", lambda: names.asked > asked, 20)
        names.address, answered = "10.77.0.99", names.answered
        wait_until("it was told an old address, and asks again", lambda: names.answered > answered + 2, 20)
        assert gauge(named, "redis_operator_leading") == 0, "its agent is well: only the name leads elsewhere"
        names.address = host.address
        until_it_leads(lab, named, 30)
        cluster.declared.until_ready()
        host.consul.register(cluster.name, "by-name", "redis.example", 6379)
        try:
            cluster.declared.until_condition("Observed", "False", "Silent", "'redis.example' is no IP address")
        finally:
            host.consul.deregister("by-name")
        cluster.declared.until_ready()

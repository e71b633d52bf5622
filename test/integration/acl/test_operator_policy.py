"""consul-operator.hcl is enough for an operator, and nothing in it is more than it needs: without any of its rights it
says which one it lacks, and touches nothing. All are tried at once, each with keys, services and servers of its own."""

import json

import pytest
from lab.process import StartFailed, wait_until

from policies import variants
from trial import PRIMARIES, WITHIN, Try


@pytest.fixture(scope="module")
def tries(consul, make_token, tmp_path_factory):
    made = {}
    try:
        for policy in variants("consul-operator.hcl"):
            made[policy.title] = Try(consul, tmp_path_factory.mktemp(policy.title), policy, make_token)
        for one in made.values():
            one.register()
        yield made
    finally:
        for one in made.values():
            one.close()


def titles(lacking: bool) -> list[str]:
    return [policy.title for policy in variants("consul-operator.hcl") if (policy.lacks is not None) == lacking]


def test_there_are_rules_to_try():
    assert len(titles(lacking=True)) >= 5


@pytest.mark.parametrize("title", titles(lacking=False))
def test_shipped_policy_is_enough(tries, consul, title):
    one = tries[title]
    wait_until(f"{title}: ready (log: {one.operator.process.log})", lambda: one.phase() == "Ready", WITHIN)
    wait_until("its page says so, too", one.operator.ready, WITHIN)

    assert one.slots_assigned() == PRIMARIES
    events = [event["reason"] for event in json.loads(consul.get(one.key("events")))]
    assert "Ready" in events, events
    assert json.loads(consul.get(one.key("record")))["state"] == "formed"
    _, entries = consul.call("GET", f"/v1/health/service/{one.name}?passing")
    assert [entry["Service"]["ID"] for entry in entries], "its own service, with a check that passes"
    assert consul.holder(f"{one.prefix}leader")["epoch"] == 1
    assert "lacks" not in one.said() and "denied" not in one.said()

    one.operator.process.stop()  # What it registered it may deregister, what it holds give back.
    assert consul.holder(f"{one.prefix}leader") == {}
    _, entries = consul.call("GET", f"/v1/health/service/{one.name}")
    assert entries == []


@pytest.mark.parametrize("title", titles(lacking=True))
def test_025_what_is_lacking_is_named(tries, title):
    one = tries[title]
    try:
        wait_until(f"{title}: names {one.policy.lacks}", one.names_what_it_lacks, WITHIN, every=0.2)
    except StartFailed as late:
        raise AssertionError(f"{late}\n{one.said()[-3000:]}") from late

    assert one.phase() != "Ready"
    assert one.slots_assigned() == 0, "nothing is formed out of what cannot be seen"


def test_nothing_was_formed_meanwhile(tries):
    """The one that may do everything had formed its cluster long ago: the others had the time."""
    for title in titles(lacking=True):
        assert tries[title].phase() != "Ready", title
        assert tries[title].slots_assigned() == 0, title

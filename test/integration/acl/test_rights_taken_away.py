"""A rule is taken out of the policy while the operator leads and its cluster serves: it names what it lacks, changes nothing,
and goes on once it has it again. All are tried at once, each with keys, services and servers of its own."""

import json
import re
import time

import pytest
from lab.process import wait_until
from lab.witness import Witness

from policies import variants
from trial import PRIMARIES, WITHIN, Try

WHOLE, *LACKING = variants("consul-operator.hcl")
TITLES = [policy.title for policy in LACKING]
BEFORE, AFTER = "7000", "8000"  # Milliseconds: what is declared with all rights, and what is without.


@pytest.fixture(scope="module")
def deprived(consul, make_token, tmp_path_factory):
    """Each leads and has formed its cluster, and has lost a rule of its policy since."""
    made = {}
    try:
        for policy in LACKING:
            folder = tmp_path_factory.mktemp(f"mid-{policy.title}")
            made[policy.title] = Try(consul, folder, policy, make_token, name="mid", begins_with=WHOLE)
            declare(made[policy.title], BEFORE)
        for one in made.values():
            one.register()
        for title, one in made.items():
            log = one.operator.process.log
            wait_until(f"{title}: Ready (log: {log})", lambda one=one: one.phase() == "Ready" and one.operator.ready(), WITHIN)
            wait_until(f"{title}: as declared (log: {log})", lambda one=one: timeouts(one) == {BEFORE}, WITHIN)
            assert "lacks" not in one.said(), title
        for one in made.values():
            one.members = record(one)["members"]
            one.give(one.policy)
            if one.policy.lacks.resource == "key_prefix":
                declare(one, AFTER)  # A right to write is missed once there is something to write.
        yield made
    finally:
        for one in made.values():
            one.close()


@pytest.fixture(scope="module")
def given_back(deprived):
    """There was something to do meanwhile, and nobody did it who may not know, or not note, what happens."""
    for one in deprived.values():
        until_named(one)
        if one.policy.lacks.resource == "session_prefix":
            end_session(one)  # Else it leads for as long as Consul lets a session live that is not renewed: 20 s.
        declare(one, AFTER)
    # To write its own entry in the catalog it needs not for acting, but for being followed soon if it dies.
    stopped = [one for one in deprived.values() if one.policy.lacks.resource != "service"]
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        for one in stopped:
            assert timeouts(one) == {BEFORE}, f"{one.policy.title}: goes on without {one.policy.lacks}"
    for one in deprived.values():
        one.give(WHOLE)
    return deprived


def until_named(one) -> None:
    """Consul judges a blocking query by the rights of the moment when it was asked, so something has to happen to the
    service, twice: else it is seen within two times 25 seconds."""
    deadline = time.monotonic() + WITHIN
    while not one.names_what_it_lacks():
        assert time.monotonic() < deadline, f"{one.policy.title}: {one.policy.lacks} is not named\n{one.said()[-3000:]}"
        one.stir()
        time.sleep(0.2)


def end_session(one) -> None:
    _, (lock,) = one.consul.call("GET", f"/v1/kv/{one.prefix}leader")
    assert one.consul.call("PUT", f"/v1/session/destroy/{lock['Session']}")[0] == 200
    wait_until(f"{one.policy.title}: nobody leads", lambda: not one.consul.holder(f"{one.prefix}leader"), WITHIN)


def declare(one, node_timeout: str) -> None:
    one.declare(failover={"nodeTimeout": f"{node_timeout}ms"})


def hindrances(one) -> int:
    """Kinds of trouble with leading that began and are not over, as its log says."""
    doing: set[str] = set()
    for line in one.operator.process.log.read_text(errors="replace").splitlines():
        if found := re.search(r'event="leadership is hindered(?P<over> no more)?" doing="(?P<what>[^"]*)"', line):
            doing.discard(found["what"]) if found["over"] else doing.add(found["what"])
    return len(doing)


def record(one) -> dict:
    return json.loads(one.consul.get(one.key("record")))


def timeouts(one) -> set[str]:
    with Witness([server.endpoint for server in one.servers]) as witness:
        return witness.settings("cluster-node-timeout")


@pytest.mark.parametrize("title", TITLES)
def test_025_right_that_is_taken_away_is_named(deprived, title):
    one = deprived[title]
    until_named(one)
    assert one.slots_assigned() == PRIMARIES, "Redis serves on"
    assert record(one)["members"] == one.members, "who cannot be seen is not dead"


@pytest.mark.parametrize("title", TITLES)
def test_025_goes_on_with_what_it_got_back(given_back, title):
    one = given_back[title]
    log = one.operator.process.log
    wait_until(f"{title}: does what is declared (log: {log})", lambda: timeouts(one) == {AFTER}, WITHIN)
    wait_until(f"{title}: says that all is well (log: {log})", lambda: one.phase() == "Ready" and one.operator.ready(), WITHIN)
    wait_until(f"{title}: nothing is in its way (log: {log})", lambda: hindrances(one) == 0, WITHIN)
    assert record(one)["members"] == one.members
    assert one.slots_assigned() == PRIMARIES

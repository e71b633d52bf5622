"""consul-operator.hcl is enough for an operator, and nothing in it is more than it needs: without any of its rights it
says which one it lacks, and touches nothing. All are tried at once, each with keys, services and servers of its own."""

import json
import re

import pytest
from lab.operator import Operator
from lab.process import StartFailed, stop_all, wait_until
from lab.redis_server import RedisServer

from policies import variants

PRIMARIES = 3
WITHIN = 60  # Seconds, for all of them together, on a machine that does other things as well.


class Try:
    """An operator with a token of its own, and what it needs to form a cluster."""

    def __init__(self, consul, folder, policy, make_token):
        self.consul, self.policy = consul, policy
        self.name = f"op-{policy.title}"
        self.prefix = f"{self.name}/"
        self.servers = [RedisServer(folder / f"redis-{i}") for i in range(PRIMARIES)]
        spec = {"version": 1, "mode": "cluster", "primaries": PRIMARIES, "replicasPerPrimary": 0,
                "service": f"redis-{self.name}", "allow": ["noReplicas"]}  # fmt: skip
        consul.put(self.key("spec"), json.dumps(spec).encode())
        token = make_token(self.name, policy.text(key_prefix=self.prefix, service=self.name))
        arguments = ("--service-name", self.name, "--consul-token-file", str(token))
        self.operator = Operator(folder, consul.url, kv_prefix=self.prefix, args=arguments)

    def key(self, document: str) -> str:
        return f"{self.prefix}clusters/cache/{document}"

    def register(self) -> None:
        for server in self.servers:
            server.wait()
            self.consul.register(f"redis-{self.name}", f"{self.name}-{server.port}", server.address, server.port)

    def status(self) -> dict:
        return json.loads(self.consul.get(self.key("status")) or b"{}")

    def phase(self) -> str:
        return self.status().get("phase", "")

    def said(self) -> str:
        """All that it says to people: its log, /readyz, the conditions."""
        try:
            page = self.operator.http("/readyz")[1] + json.dumps(self.operator.cluster("cache"))
        except OSError:
            page = ""
        log = self.operator.process.log.read_text(errors="replace")
        return (log + page + json.dumps(self.status())).replace('\\"', '"').replace('\\"', '"')

    def names_what_it_lacks(self) -> bool:
        """The resource, a name that the rule is about, and the access: as in a policy."""
        rule = self.policy.lacks
        resource = rule.resource.removesuffix("_prefix")
        for found in re.finditer(rf'lacks {resource}(?:_prefix)? "([^"]*)" = "(\w+)"', self.said()):
            # An operator that may not even read a key asks for that right first.
            is_about = found[1].startswith((self.prefix, f"redis-{self.name}", self.name)) or found[1] == rule.name
            if is_about and (found[2] == rule.access or "without" in self.policy.title):
                return True
        return False

    def slots_assigned(self) -> int:
        return sum("cluster_slots_assigned:0" not in server.ask("CLUSTER", "INFO") for server in self.servers)

    def close(self) -> None:
        stop_all([self.operator.process])
        for server in self.servers:
            server.process.kill()


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

"""consul-user.hcl is enough for every command, and nothing in it is more than they need: without any of its rights a
command fails that needs it, and says which one is lacking."""

import json
import re

import pytest
from lab.operator import Operator
from lab.process import stop_all, wait_until
from lab.redis_server import RedisServer

from policies import variants

PREFIX = "user/"


@pytest.fixture(scope="module")
def operator(consul, tmp_path_factory):
    """One that may do everything, with a cluster to look at."""
    folder = tmp_path_factory.mktemp("user")
    servers = [RedisServer(folder / f"redis-{i}") for i in range(3)]
    token = folder / "token"
    token.write_text(consul.token)
    spec = {"version": 1, "mode": "cluster", "primaries": 3, "replicasPerPrimary": 0,
            "service": "redis-user", "allow": ["noReplicas"]}  # fmt: skip
    for name in ("cache", "new", "old"):
        service = "redis-user" if name == "cache" else f"redis-user-{name}"
        (folder / f"{name}.json").write_text(json.dumps({**spec, "service": service}))
    consul.put(f"{PREFIX}clusters/cache/spec", (folder / "cache.json").read_bytes())
    arguments = ("--service-name", "user", "--consul-token-file", str(token))
    started = Operator(folder, consul.url, kv_prefix=PREFIX, args=arguments)
    started.folder = folder
    try:
        for server in servers:
            server.wait()
            consul.register("redis-user", f"user-{server.port}", server.address, server.port)
        wait_until(f"ready (log: {started.process.log})", lambda: phase(consul) == "Ready", 60)
        yield started
    finally:
        stop_all([started.process])
        for server in servers:
            server.process.kill()


def phase(consul) -> str:
    return json.loads(consul.get(f"{PREFIX}clusters/cache/status") or b"{}").get("phase", "")


def commands(folder) -> list[list[str]]:
    return [
        ["get"], ["get", "cache"], ["describe", "cache"], ["events", "cache"], ["plan", "cache"],
        ["wait", "cache", "--for", "ready", "--timeout", "20s"], ["apply", str(folder / "cache.json"), "--dry-run"],
        ["apply", str(folder / "new.json")], ["delete", "old", "--forget-record", "--yes"],
    ]  # fmt: skip


def outcomes(operator, consul, token) -> list:
    """Of every command, with a cluster to declare and one to delete."""
    consul.delete(f"{PREFIX}clusters/new/spec")
    consul.put(f"{PREFIX}clusters/old/spec", (operator.folder / "old.json").read_bytes())
    flags = ["--kv-prefix", PREFIX, "--consul-token-file", str(token)]
    return [operator.cli(*words, *flags) for words in commands(operator.folder)]


POLICIES = {policy.title: policy for policy in variants("consul-user.hcl")}


def make(make_token, policy):
    return make_token(f"user-{policy.title}", policy.text(key_prefix=PREFIX, service="user"))


def test_shipped_policy_is_enough(operator, consul, make_token):
    for done in outcomes(operator, consul, make(make_token, POLICIES["as-shipped"])):
        assert done.returncode == 0, (done.args, done.stdout, done.stderr)
    assert consul.get(f"{PREFIX}clusters/new/spec") is not None, "declared"
    assert consul.get(f"{PREFIX}clusters/old/spec") is None, "deleted"


@pytest.mark.parametrize("title", [title for title, policy in POLICIES.items() if policy.lacks])
def test_what_is_lacking_is_named(operator, consul, make_token, title):
    policy = POLICIES[title]
    rule = policy.lacks
    name = rule.name.replace("redis-operator/", PREFIX)
    resource = rule.resource.removesuffix("_prefix")

    failed = [done for done in outcomes(operator, consul, make(make_token, policy)) if done.returncode != 0]

    assert failed, f"every command works without {rule}"
    for done in failed:
        named = re.findall(rf'lacks {resource}(?:_prefix)? "({re.escape(name)}[^"]*)" = "{rule.access}"', done.stderr)
        assert named, (done.args, done.stdout, done.stderr)

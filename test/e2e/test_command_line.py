"""The commands, on a living cluster and where there is none."""

import json
import re

import pytest


@pytest.fixture
def cluster(servers, declared):
    servers.start(3)
    declared.put(servers.spec())
    declared.until_ready()
    declared.world.consul.until_key(declared.key("status"), "Ready", lambda v: v and v["phase"] == "Ready")
    return declared.name


def words(line: str) -> list[str]:
    return re.split(r"  +", line.strip())


def test_101_commands_on_a_living_cluster(cli, cluster, declared, servers, tmp_path):
    got = cli("get", cluster)
    assert got.returncode == 0
    head, row = got.stdout.splitlines()
    assert words(head) == ["NAME", "MODE", "PRIMARIES", "REPLICAS", "SLOTS", "PHASE", "REASON", "AGE"]
    assert words(row)[:7] == [cluster, "cluster", "3/3", "0/0", "16384", "Ready", "AsDeclared"]
    assert "\x1b" not in got.stdout, "colours are for terminals"
    assert cluster in cli("get").stdout
    assert json.loads(cli("get", cluster, "-o", "json").stdout)["slots"]["served"] == 16384
    assert cli("get", cluster, "--check").returncode == 0

    described = cli("describe", cluster)
    assert described.returncode == 0
    for part in ("Phase      Ready", "\nConditions\n", "\nShards\n", "\nInstances\n", "\nEvents\n", "\nNext: nothing to do"):
        assert part in described.stdout, part
    with servers.witness() as witness:
        for node in witness.node_ids():
            assert node[:8] in described.stdout

    events = cli("events", cluster)
    assert words(events.stdout.splitlines()[0]) == ["AGE", "TYPE", "COUNT", "REASON", "MESSAGE"]
    reasons = [event["reason"] for event in json.loads(cli("events", cluster, "-o", "json").stdout)]
    assert reasons.index("Meet") < reasons.index("Ready")

    assert cli("plan", cluster).stdout.endswith("nothing to do\n")
    assert json.loads(cli("plan", cluster, "-o", "json").stdout)["steps"] == []
    waited = cli("wait", cluster, "--for", "ready", "--timeout", "5s")
    assert (waited.returncode, waited.stdout[: len(cluster) + 9]) == (0, f"{cluster} is ready")

    file = tmp_path / f"{cluster}.json"
    file.write_text(json.dumps(servers.spec()))
    assert "unchanged" in cli("apply", file).stdout
    file.write_text(json.dumps(servers.spec(primaries=4)))
    tried = cli("apply", file, "--dry-run")
    assert tried.returncode == 0 and "Nothing was written" in tried.stdout
    assert declared.document("spec") == servers.spec()


def test_exit_codes(cli, declared, name, world):
    assert cli("version").stdout.startswith("redis-operator ")
    assert cli("--help").returncode == 0
    assert cli("no-such-command").returncode == 2
    assert cli("get", "--no-such-flag").returncode == 2
    assert cli("get", name).returncode == 1
    assert cli("describe", name).returncode == 1
    assert cli("delete", name).returncode == 1
    declared.put({"version": 1, "mode": "cluster", "primaries": 3, "service": name})
    declared.until_phase("Pending", "TooFewInstances")
    assert cli("get", name, "--check").returncode == 3
    late = cli("wait", name, "--timeout", "1s")
    assert late.returncode == 3 and "are missing" in late.stderr
    down = cli("get", env={"CONSUL_HTTP_ADDR": "http://127.0.0.1:1"})
    assert down.returncode == 1 and "127.0.0.1:1" in down.stderr
    assert cli("delete", name).returncode == 0
    assert world.consul.get(declared.key("spec")) is None


def test_plan_needs_no_operator(cli, servers, declared, name):
    """Below a prefix that no operator looks at."""
    servers.start(3)
    prefix = {"REDIS_OPERATOR_KV_PREFIX": f"{name}/"}
    spec = json.dumps(servers.spec())
    assert cli("apply", "-", "--name", name, text=spec, env=prefix).returncode == 0
    planned = cli("plan", name, env=prefix)
    assert planned.returncode == 0
    assert "accept the spec" in planned.stdout
    assert "Then, once that is written:\nformation: commit to forming 3 shards" in planned.stdout
    assert "nobody leads" in planned.stdout
    listed = cli("get", env=prefix)
    assert name in listed.stdout and "nobody leads" in listed.stderr.lower()
    assert cli("delete", name, env=prefix).returncode == 0
    with servers.witness() as witness:
        assert all(len(table) == 1 for table in witness.tables())

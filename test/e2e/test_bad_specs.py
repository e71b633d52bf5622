"""Specs that are wrong: every problem is told, and what was accepted before stays in force."""

import json
import os
import signal

import pytest
from conftest import stays_so

GOOD = '"version": 1, "mode": "cluster", "primaries": 3, "service": "s"'
KNOWN = ("version, name, mode, primaries, replicasPerPrimary, service, nomad, placement, auth, tls, settings, failover, "
         "balance, backup, allow, pausedUntil")  # fmt: skip

# What is wrong, and every problem that is to be told of it: path, value, rule, nearest right spelling.
BAD = {
    "malformed": (
        '{"version": 1,}',
        ["$: line 1, column 15 (byte 14): a comma stands between two values only, not after the last"],
    ),
    "not JSON at all": ("primaries: 3", ["$: line 1, column 1 (byte 0): not JSON"]),
    "a list": ("[]", ["$: a spec must be a JSON object: {...}"]),
    "unknown": (
        '{%s, "primaires": 3}' % GOOD,
        [f"$.primaires: 3: unknown field; known here: {KNOWN}; did you mean primaries?"],
    ),
    "misspelt value": (
        '{"version": 1, "mode": "clutser", "primaries": 3, "service": "s"}',
        ['$.mode: "clutser": must be one of: cluster, replication, sentinel; did you mean cluster?'],
    ),
    "wrongly typed": (
        '{"version": 1, "mode": "cluster", "primaries": "3", "service": 7}',
        [
            '$.primaries: "3": must be a whole number from 1 to 500, not a text; did you mean 3?',
            "$.service: 7: must be the name of a Consul service: 1 to 128 characters of A-Z, a-z, 0-9, -, _ and ., "
            "not a number",
        ],
    ),
    "duplicate": ('{%s, "primaries": 5}' % GOOD, ["$.primaries: 5: given twice: a field may be given once"]),
    "huge": (
        '{"version": 1, "mode": "cluster", "primaries": 18446744073709551619, "service": "s"}',
        ["$.primaries: 18446744073709551619: must be a whole number from 1 to 500"],
    ),
    "negative": (
        '{"version": 1, "mode": "cluster", "primaries": -3, "replicasPerPrimary": -1, "service": "s"}',
        [
            "$.primaries: -3: must be a whole number from 1 to 500",
            "$.replicasPerPrimary: -1: must be a whole number from 0 to 5",
        ],
    ),
    "impossible": (
        '{"version": 1, "mode": "cluster", "primaries": 2, "replicasPerPrimary": 0, "service": "s"}',
        [
            "$.primaries: 2: fewer than 3 primaries have no majority that survives a loss, so nothing fails over by "
            'itself: declare 3 or more, or add "fewPrimaries" to allow',
            "$.replicasPerPrimary: 0: without replicas the loss of one instance is the loss of its data: declare 1 or "
            'more, or add "noReplicas" to allow',
        ],
    ),
    "of a later version": (
        '{"version": 2, "mode": "clustr", "primaries": 0}',
        ["$.version: 2: this operator reads version 1 only"],
    ),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("command", ["validate", "apply"])
def test_095_command_line_lists_all_problems(cli, tmp_path, world, command, kind):
    text, expected = BAD[kind]
    file = tmp_path / "wrong.json"
    file.write_text(text)
    done = cli(command, file)
    assert done.returncode == 2, done
    head, *told = done.stderr.splitlines()
    assert head.endswith(f"is not a valid spec ({len(expected)} problem{'s' if len(expected) > 1 else ''}):")
    *listed, next_step = told
    assert [line.strip() for line in listed] == expected
    assert next_step.startswith("next: ")
    assert world.consul.get("redis-operator/clusters/wrong/spec") is None


@pytest.mark.parametrize("command", ["validate", "apply"])
def test_command_line_refuses_what_is_too_big_to_store(cli, tmp_path, command):
    file = tmp_path / "wrong.json"
    file.write_text('{%s, "settings": {"x": "%s"}}' % (GOOD, "y" * 400_000))
    done = cli(command, file)
    assert done.returncode == 2, done
    assert f"{file} is larger than 390000 bytes, which is all that fits into a Consul value" in done.stderr


def test_095_operator_keeps_the_last_good_spec(servers, declared):
    """Whoever writes into Consul himself, past the command line, is told in the status."""
    started = servers.start(3)
    good = servers.spec()
    declared.put(good)
    declared.until_ready()
    record = declared.record()
    with servers.witness(started) as witness:
        before = witness.texts()
        for kind, (text, expected) in BAD.items():
            declared.put(text.encode())
            condition = declared.until_condition("SpecValid", "False", "InvalidSpec", expected[0], seconds=10)
            assert all(problem in condition["message"] for problem in expected), kind
            assert declared.status()["slots"]["served"] == 16384
            assert declared.record() == record, kind
            declared.put({**good, "balance": {"threshold": 0.03}})
            declared.until_condition("SpecValid", "True")
            declared.until_record("another one", lambda r: "balance" in r["spec"])
            declared.put(good)
            record = declared.until_record("the good one again", lambda r: r if "balance" not in r["spec"] else None)
        assert witness.texts() == before
    declared.until_ready()


def test_last_good_spec_outlives_the_operators(servers, declared, world):
    """Nobody who starts now has ever seen it, but in the record."""
    servers.start(3)
    declared.put(servers.spec())
    declared.until_ready()
    declared.put({**servers.spec(), "primaries": -1})
    declared.until_condition("SpecValid", "False")
    before = world.leader()
    for operator in world.operators().values():
        os.kill(operator, signal.SIGKILL)
    world.wait_leader(other_than=before["instance"])
    declared.until_condition("SpecValid", "False", "InvalidSpec", "$.primaries: -1")
    assert declared.record()["spec"]["primaries"] == 3
    servers.start(1)
    declared.until("the newcomer is a replica", lambda s: sum(len(shard["replicas"]) for shard in s["shards"]) == 1)
    declared.put(servers.spec())
    declared.until_condition("SpecValid", "True")
    declared.until_ready()


def test_first_spec_that_is_wrong_forms_nothing(servers, declared, cli):
    started = servers.start(3)
    spec = servers.spec()
    declared.put({**spec, "primaries": "three"})
    status = declared.until_phase("Pending", "InvalidSpec")
    assert "$.primaries" in status["message"]
    stays_so("nothing happens", lambda: all("cluster_known_nodes:1" in s.ask("CLUSTER", "INFO") for s in started))
    assert declared.record() == {}
    assert cli("get", declared.name, "--check").returncode == 3
    declared.put(spec)
    declared.until_ready()


def test_missing_instances_are_counted(servers, declared):
    declared.put(servers.spec())
    status = declared.until_phase("Pending", "TooFewInstances")
    assert "0 of 3" in status["message"] and "3 are missing" in status["message"]
    servers.start(2)
    declared.until("one is missing", lambda s: "2 of 3" in s["message"] and "1 is missing" in s["message"])
    servers.start(1)
    declared.until_ready()


def test_099_service_has_one_cluster(servers, declared, declare):
    servers.start(3)
    declared.put(servers.spec())
    declared.until_ready()
    second = declare(f"{declared.name}-2")
    second.put(servers.spec())
    status = second.until_phase("Pending", "ServiceTaken")
    assert f"$.service: {servers.name} belongs to cluster {declared.name}" in status["message"]
    assert second.conditions()["SpecValid"]["status"] == "False"
    assert second.record() == {}
    assert declared.until_ready()
    second.put({**servers.spec(), "service": f"{servers.name}-elsewhere"})
    second.until_condition("SpecValid", "True")
    second.until_phase("Pending", "TooFewInstances")


def test_099_group_has_one_cluster(declared, declare, job):
    declared.put(job.spec())
    declared.until_phase("Pending", "TooFewInstances")
    second = declare(f"{declared.name}-2")
    second.put({**job.spec(), "service": f"{job.name}-elsewhere"})
    status = second.until_phase("Pending", "ServiceTaken")
    assert f"group redis of job {job.name} belongs to cluster {declared.name}" in status["message"]


def test_job_that_does_not_exist_is_waited_for(declared, job, cli):
    declared.put(job.spec())
    condition = declared.until_condition("Observed", "False", "JobNotFound")
    assert f"{job.name}.redis" in condition["message"]
    status = declared.until_phase("Pending", "TooFewInstances")
    assert "0 of 6" in status["message"] and "6 are missing" in status["message"]
    assert declared.record()["state"] == "accepted"
    job.run(count=6)
    declared.until_ready()
    declared.until_condition("Observed", "True")
    job.assert_whole()


def test_name_that_is_none_is_no_cluster(world, cli):
    key = "redis-operator/clusters/Not_A_Name/spec"
    world.consul.put(key, json.dumps({"version": 1}).encode())
    try:
        assert "Not_A_Name" not in cli("get").stdout
        assert world.leader()
    finally:
        world.consul.delete(key)

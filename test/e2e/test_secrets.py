"""A password goes from where it is kept to Redis, and nowhere else."""

import json
import pathlib
import re
import urllib.request

import pytest
import redis
from conftest import assert_agree, stays_so
from lab.process import ROOT, wait_until

SECRET = "a-word-that-must-not-get-around"


def test_105_password_is_seen_nowhere(servers, declared, cli, world, tmp_path):
    file = tmp_path / "password"
    file.write_text(SECRET + "\n")
    started = servers.start(4, secrets={"requirepass": SECRET, "masterauth": SECRET})
    spec = servers.spec(auth={"password": {"file": str(file)}})
    spec_file = tmp_path / f"{declared.name}.json"
    spec_file.write_text(json.dumps(spec))
    outputs = [cli("apply", spec_file, "--dry-run"), cli("apply", spec_file)]
    assert outputs[1].returncode == 0, outputs[1].stderr
    declared.until("all four are part of it", lambda s: sum(len(shard["replicas"]) for shard in s["shards"]) == 1)
    declared.until_ready()
    with servers.witness(started, SECRET) as witness:
        witness.write(50)
        witness.read(50)

    file.write_text("another-" + SECRET)  # which is refused, and must not be told either
    spec_file.write_text(json.dumps({**spec, "auth": {"password": SECRET}}))
    refused = cli("validate", spec_file)
    assert refused.returncode == 2
    outputs += [refused, cli("apply", spec_file), cli("plan", declared.name), cli("describe", declared.name),
                cli("get", declared.name, "-o", "json"), cli("events", declared.name, "-o", "json")]  # fmt: skip
    for done in outputs:
        assert SECRET not in done.stdout + done.stderr, done.args
    assert_nowhere(world, declared.name)


def test_103_password_rotates_under_a_running_cluster(servers, declared, cli, world):
    old, new, newest = (f"{word}-{SECRET}" for word in ("old", "new", "newest"))
    key = f"redis-operator/secrets/{declared.name}/password"
    world.consul.put(key, old.encode())
    started = servers.start(4, secrets={"requirepass": old, "masterauth": old})
    declared.put(servers.spec(auth={"password": {"consulKey": key}}))
    declared.until("all four are part of it", lambda s: sum(len(shard["replicas"]) for shard in s["shards"]) == 1)
    declared.until_ready()
    plan = cli("plan", declared.name)
    assert plan.returncode == 0 and "WrongPassword" not in plan.stdout, "the command line finds it, too"

    def is_well() -> bool:
        status = declared.status()
        return status["phase"] == "Ready" and {one["state"] for one in status["instances"]} == {"ok"}

    def everywhere(password: str, *words: str) -> None:
        for server in started:
            with redis.Redis(server.address, server.port, password=password) as client:
                client.execute_command(*words)

    def connections(password: str) -> set[str]:
        """Of this operator's installation, at all servers."""
        found = set()
        for server in started:
            with redis.Redis(server.address, server.port, password=password, decode_responses=True) as client:
                ours = [one for one in client.client_list() if one["name"].startswith("redis-operator:")]
            found |= {f"{server.port}/{one['id']}" for one in ours}
        return found

    # As the book says: servers take both, then the operator learns of it, then the old one goes.
    before = connections(old)
    everywhere(old, "ACL", "SETUSER", "default", f">{new}")
    world.consul.put(key, new.encode())
    wait_until("the operator connects anew", lambda: not before & connections(new), 5)
    everywhere(new, "ACL", "SETUSER", "default", f"<{old}")
    everywhere(new, "CONFIG", "SET", "masterauth", new)
    everywhere(new, "CLIENT", "KILL", "TYPE", "normal")
    stays_so("Ready with the new password", is_well)

    # The other way round: the source is first, and nobody is locked out.
    before = connections(new)
    world.consul.put(key, newest.encode())
    wait_until("the operator connects anew", lambda: len(connections(new) - before) == len(started), 5)
    stays_so("Ready with the former password", is_well)
    everywhere(new, "ACL", "SETUSER", "default", "resetpass", f">{newest}")
    everywhere(newest, "CLIENT", "KILL", "TYPE", "normal")
    stays_so("Ready with the newest password", is_well)
    failed = [event for event in declared.document("events") if "password" in json.dumps(event).lower()]
    assert not failed, "nobody was locked out at any time"
    assert_nowhere(world, declared.name)


def write_variable(world, path: str, word: str) -> None:
    body = {"Namespace": "default", "Path": path, "Items": {"word": word}}
    status, answer = world.nomad.call("PUT", f"/v1/var/{path}", body)
    assert status == 200, answer


@pytest.mark.parametrize("source", ["file", "nomadVariable"])
def test_103_changed_source_lets_in_again(servers, declared, world, tmp_path, source):
    """Servers first: they take the new password alone, and whoever knows the old one is out until the source has it."""
    old, new = f"old-{SECRET}", f"new-{SECRET}"
    file, variable = tmp_path / "password", f"redis-operator/{declared.name}"

    def keep(word: str) -> None:
        if source == "file":
            file.write_text(word + "\n")
        else:
            write_variable(world, variable, word)

    keep(old)
    started = servers.start(3, secrets={"requirepass": old})
    reference = {"file": str(file), "nomadVariable": f"{variable}#word"}[source]
    declared.put(servers.spec(auth={"password": {source: reference}}))
    declared.until_ready()
    for server in started:
        with redis.Redis(server.address, server.port, password=old) as client:
            client.execute_command("ACL", "SETUSER", "default", "resetpass", f">{new}")
            client.execute_command("CLIENT", "KILL", "TYPE", "normal")
    for server in started:
        declared.until_condition("MembersKnown", "False", "WrongPassword", f":{server.port} refuses our credentials")

    keep(new)
    declared.until_ready()
    declared.until_condition("MembersKnown", "True")
    for server in started:
        with redis.Redis(server.address, server.port, password=new, decode_responses=True) as client:
            names = [one["name"] for one in client.client_list() if one["name"].startswith("redis-operator:")]
        assert names, f"the operator is not connected to {server.port}"
    assert_nowhere(world, declared.name)


def documented_user(password: str) -> str:
    """What the book says that the operator needs."""
    book = (ROOT / "docs/operations/redis-access.md").read_text()
    line = re.search(r"^user (redis-operator .*)$", book, re.M)[1]
    return line.replace(">PASSWORD", f">{password}")


def test_documented_rights_are_enough(servers, declared, world):
    """As a user that may do what the book says, and nothing else; its password is in a Nomad variable."""
    variable = f"redis-operator/{declared.name}"
    write_variable(world, variable, SECRET)
    with_user = {"user": documented_user(SECRET)}
    started = servers.start(4, secrets=with_user)
    auth = {"username": "redis-operator", "password": {"nomadVariable": f"{variable}#word"}}
    declared.put(servers.spec(auth=auth))
    declared.until("all four are part of it", lambda s: sum(len(shard["replicas"]) for shard in s["shards"]) == 1)
    status = declared.until_ready()

    # Also to forget one, and to place another.
    replica = next(one for one in status["instances"] if one["role"] == "replica")
    gone = next(server for server in started if replica["address"] == f"{server.address}:{server.port}")
    servers.end([gone])
    started.remove(gone)
    added = servers.start(1, secrets=with_user)
    declared.until("the replica is another one", lambda s: f":{added[0].port}" in replicas(s) and len(s["instances"]) == 4)
    declared.until_ready()
    with servers.witness(started + added) as witness:
        assert_agree(witness, 3, 1)

    # A right less, and it is named.
    for server in added:
        server.ask("ACL", "SETUSER", "redis-operator", "-cluster|nodes")
    told = declared.until_condition("MembersKnown", "False", "WrongPassword", "cluster|nodes")
    assert str(added[0].port) in told["message"] and "NOPERM" in told["message"]
    assert_nowhere(world, declared.name)


def replicas(status: dict) -> str:
    return " ".join(one["address"] for one in status["instances"] if one["role"] == "replica")


def assert_nowhere(world, name: str) -> None:
    """In no page, no key but those that are for secrets, no log and no command line."""
    for page in ("/metrics", "/v1/clusters", f"/v1/clusters/{name}", f"/v1/clusters/{name}/plan"):
        with urllib.request.urlopen(world.leader_url() + page, timeout=3) as answer:
            assert SECRET not in answer.read().decode(), page
    _, keys = world.consul.call("GET", "/v1/kv/redis-operator/?keys")
    assert any(key.endswith(f"{name}/status") for key in keys)
    for key in keys:
        if not key.startswith("redis-operator/secrets/"):
            assert SECRET.encode() not in (world.consul.get(key) or b""), key
    logs = [log for log in world.folder.rglob("operator.std*") if log.is_file() and log.stat().st_size]
    assert logs, "the operators write logs"
    for log in logs:
        assert SECRET.encode() not in log.read_bytes(), log
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            assert SECRET.encode() not in (process / "cmdline").read_bytes(), process
        except OSError:
            continue

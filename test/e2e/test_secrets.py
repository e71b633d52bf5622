"""A password goes from its file to Redis, and nowhere else."""

import json
import pathlib
import urllib.request

SECRET = "a-word-that-must-not-get-around"


def test_password_is_seen_nowhere(servers, declared, cli, world, tmp_path):
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
    for page in ("/metrics", "/v1/clusters", f"/v1/clusters/{declared.name}", f"/v1/clusters/{declared.name}/plan"):
        with urllib.request.urlopen(world.leader_url() + page, timeout=3) as answer:
            assert SECRET not in answer.read().decode(), page
    _, keys = world.consul.call("GET", "/v1/kv/redis-operator/?keys")
    assert any(key.endswith(f"{declared.name}/status") for key in keys)
    for key in keys:
        assert SECRET.encode() not in (world.consul.get(key) or b""), key
    assert_nowhere_in_logs_and_command_lines(world)


def assert_nowhere_in_logs_and_command_lines(world) -> None:
    logs = [log for log in world.folder.rglob("operator.std*") if log.is_file() and log.stat().st_size]
    assert logs, "the operators write logs"
    for log in logs:
        assert SECRET.encode() not in log.read_bytes(), log
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            assert SECRET.encode() not in (process / "cmdline").read_bytes(), process
        except OSError:
            continue

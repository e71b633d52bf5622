"""Everything secured, as `hack/demo --secure` shows it: TLS, tokens and passwords between all, and none of them seen."""

import base64
import json
import os
import pathlib
import ssl
import subprocess
import urllib.error
import urllib.request

import pytest
from conftest import assert_agree, assert_serves
from lab.declared import Declared
from lab.nomad import find_nomad
from lab.operator import binary
from lab.process import SERVERS
from lab.secure import secret_texts
from lab.witness import Witness
from lab.world import World

SECRETS = "redis-operator/secrets/"


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    with World(tmp_path_factory.mktemp("secured"), hosts=2, nomad_program=find_nomad(), secure=True) as world:
        world.security.keep_password(world.consul)
        world.run_operator(log_level="debug")
        world.run_redis(count=6)
        world.wait_for("redis-operator-http", len(world.consuls))
        world.wait_for("redis-cache", 6)
        yield world


def cli(world: World, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [str(binary()), *words], capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **world.env()}
    )


def test_cluster_forms_and_nothing_secret_gets_around(secured):
    security = secured.security
    spec = security.put("cache.json", json.dumps(security.spec()))
    said = [cli(secured, "apply", str(spec)), cli(secured, "wait", "cache", "--for", "ready", "--timeout", "40s"),
            cli(secured, "describe", "cache"), cli(secured, "plan", "cache"), cli(secured, "get", "-o", "json")]  # fmt: skip
    for done in said[:3]:
        assert done.returncode == 0, (done.args, done.stdout, done.stderr)
    endpoints = [(entry["Address"], entry["Port"]) for entry in secured.passing("redis-cache")]
    with Witness(endpoints, security.redis_password, security.redis_tls().for_redis_py()) as witness:
        assert_serves(witness)
        assert_agree(witness, 3, 3)
        witness.write(100)
        witness.read(100)
    host, port = endpoints[0]
    asked = subprocess.run(
        [str(SERVERS / "redis-cli"), *security.redis_tls().for_redis_cli(), "-h", host, "-p", str(port), "CLUSTER", "INFO"],
        env={"REDISCLI_AUTH": security.redis_password}, capture_output=True, text=True, timeout=20, check=True,
    )  # fmt: skip
    assert "cluster_state:ok" in asked.stdout

    # Another operator takes over with the same files.
    before = secured.leader()
    os.kill(secured.operators()[before["address"]], 9)
    secured.wait_leader(other_than=before["instance"])
    cache = Declared(secured, "cache")
    cache.until_ready()
    pages = []
    for page in ("/metrics", "/v1/clusters", "/v1/clusters/cache", "/v1/clusters/cache/plan", "/readyz"):
        with secured.open(secured.leader_url() + page) as answer:
            pages.append(answer.read())
    assert_seen_nowhere(secured, pages + [(done.stdout + done.stderr).encode() for done in said])


def assert_seen_nowhere(world: World, texts: list[bytes]) -> None:
    """In nothing that was said, no log, no key but those that are for secrets, and no command line."""
    hosts = 1 if world.nomad.real else 2  # at least: an operator runs on each
    logs = [file for file in world.folder.rglob("*") if file.is_file() and (file.suffix == ".log" or ".std" in file.name)]
    assert sum(log.name.startswith("operator.std") and log.stat().st_size > 0 for log in logs) >= hosts, logs
    _, entries = world.consul.call("GET", "/v1/kv/?recurse")
    keys = {entry["Key"]: base64.b64decode(entry["Value"] or "") for entry in entries}
    assert "redis-operator/clusters/cache/status" in keys and f"{SECRETS}cache/password" in keys
    places = {str(log): log.read_bytes() for log in logs}
    places |= {key: value for key, value in keys.items() if not key.startswith(SECRETS)}
    places |= {f"what was said ({i})": text for i, text in enumerate(texts)}
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            places[str(process)] = (process / "cmdline").read_bytes()
        except OSError:
            continue
    for name, secret in secret_texts(world.security).items():
        found = [place for place, text in places.items() if secret in text]
        assert not found, f"{name} is seen in {found}"


def test_nobody_gets_in_without(secured):
    """What is secured refuses those who show nothing: Consul's secret, the operator's pages, Redis."""
    security = secured.security
    status, _ = secured.consul.call("GET", f"/v1/kv/{SECRETS}cache/password", token=security.tokens["consul-user"])
    assert status == 403, "whoever applies specs may not read passwords"
    status, _ = secured.consul.call("GET", f"/v1/kv/{SECRETS}cache/password", token=security.tokens["consul-operator"])
    assert status == 200
    status, answer = secured.consul.call(
        "PUT", f"/v1/kv/{SECRETS}cache/password", b"other", token=security.tokens["consul-operator"]
    )
    assert status == 403, answer

    url = secured.leader_url()
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{url}/v1/clusters", timeout=3, context=security.client_context())
    assert refused.value.code == 401
    with pytest.raises((urllib.error.URLError, ConnectionError)) as distrusted:
        urllib.request.urlopen(f"{url}/healthz", timeout=3, context=ssl.create_default_context())
    assert "CERTIFICATE_VERIFY_FAILED" in str(distrusted.value)
    lacking = {**os.environ, **secured.env(), "CONSUL_CACERT": ""}
    done = subprocess.run([str(binary()), "get"], capture_output=True, text=True, timeout=20, check=False, env=lacking)
    assert done.returncode == 1 and "certificate" in done.stderr, done.stderr

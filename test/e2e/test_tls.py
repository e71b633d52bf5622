"""Redis over TLS: formed, renewed, and what stands in the way named for every instance."""

import json
import re
import shutil
import subprocess

import pytest
from conftest import assert_agree, assert_serves, stays_so
from lab.certificates import Authority, Pair
from lab.process import SERVERS, wait_until
from lab.secure import RedisTls

PASSWORD = "only-said-over-tls"


@pytest.fixture(scope="module")
def authorities(tmp_path_factory):
    folder = tmp_path_factory.mktemp("authorities")
    return Authority(folder / "ours"), Authority(folder / "others", "somebody else")


def tls_of(authority: Authority, stem: str = "redis", **how) -> RedisTls:
    """A server for the name redis.cache; its clients are ours."""
    server = authority.issue(stem, **{"names": ("redis.cache",), "addresses": (), **how})
    return RedisTls(authority.ca, server, authority.issue("client", ("redis-operator",), ()))


def redis_cli(tls: RedisTls, port: int, *words: str) -> str:
    command = [str(SERVERS / "redis-cli"), *tls.for_redis_cli(), "-c", "-p", str(port), *words]
    done = subprocess.run(command, env={"REDISCLI_AUTH": PASSWORD}, capture_output=True, text=True, timeout=20, check=True)
    return done.stdout.strip()


def test_104_cluster_over_tls_and_a_renewal_of_its_certificates(servers, declared, authorities, tmp_path):
    tls = tls_of(authorities[0])
    mine = RedisTls(tmp_path / "ca.pem", tls.server, Pair(tmp_path / "own.pem", tmp_path / "own.key"))
    for file, copy in ((tls.ca, mine.ca), (tls.client.cert, mine.client.cert), (tls.client.key, mine.client.key)):
        shutil.copyfile(file, copy)
    (tmp_path / "password").write_text(PASSWORD)
    started = servers.start(4, tls=tls, secrets={"requirepass": PASSWORD, "masterauth": PASSWORD})
    declared.put(servers.spec(
        auth={"password": {"file": str(tmp_path / "password")}}, tls=mine.spec(serverName="redis.cache")))  # fmt: skip
    declared.until("all four are part of it", lambda s: sum(len(shard["replicas"]) for shard in s["shards"]) == 1)
    status = declared.until_ready()
    assert {one["address"] for one in status["instances"]} == {f"{one.address}:{one.port}" for one in started}
    assert {one["busPort"] for one in status["instances"]} == {one.bus_port for one in started}
    with servers.witness(started, PASSWORD, tls.for_redis_py()) as witness:
        witness.write(50)
        witness.read(50)
        assert_serves(witness)
        assert_agree(witness, 3, 1)
    assert redis_cli(tls, started[0].port, "SET", "fruit", "quince") == "OK"
    assert redis_cli(tls, started[1].port, "GET", "fruit") == "quince"

    def everybody_connects_anew() -> None:
        for server in started:
            redis_cli(tls, server.port, "CLIENT", "KILL", "TYPE", "normal")

    # A new certificate takes the old one's place: what connects from now on shows it.
    renewed = authorities[0].issue("renewed", ("redis-operator",), ())
    for file, copy in ((renewed.key, mine.client.key), (renewed.cert, mine.client.cert)):
        shutil.copyfile(file, copy)
    everybody_connects_anew()
    stays_so("Ready with the new certificate", lambda: declared.status()["phase"] == "Ready")

    # Another authority: nobody is believed any more, and Redis goes on serving.
    shutil.copyfile(authorities[1].ca, mine.ca)
    everybody_connects_anew()
    told = declared.until_condition("MembersKnown", "False", "TlsFailed")
    assert str(started[0].port) in told["message"] and "certificate" in told["message"]
    assert redis_cli(tls, started[2].port, "GET", "fruit") == "quince"
    shutil.copyfile(tls.ca, mine.ca)
    declared.until_ready()


def test_104_what_stands_in_the_way_of_tls_is_named(servers, declared, cli, authorities):
    ours, others = authorities
    good = tls_of(ours, "good")
    servers.start(3, tls=good)
    bad = {
        "certificate": servers.start(tls=tls_of(others, "foreign"), service="")[0],
        "expired": servers.start(tls=tls_of(ours, "old", days=-1), service="")[0],
        "other.cache": servers.start(tls=tls_of(ours, "misnamed", names=("other.cache",)), service="")[0],
    }
    plain = servers.start(service="")[0]  # It waits for the end of a line that never comes.
    declared.put(servers.spec(tls=good.spec(serverName="redis.cache")))
    declared.until_ready()
    for server in [*bad.values(), plain]:
        servers.register(server)
    wait_until("all are in the status", lambda: all(
        f":{one.port} cannot be asked over TLS" in json.dumps(declared.document("status")) for one in bad.values()
    ), 30)  # fmt: skip
    said = cli("describe", declared.name).stdout
    for word, server in bad.items():
        sentences = [one for one in re.split("[;\n]", said) if f":{server.port} cannot be asked over TLS" in one]
        assert any(word in one for one in sentences), f"{word} of {server.port} in {said}"
    declared.until_condition("Observed", "False", "Silent", f":{plain.port} does not answer: no answer to the TLS handshake")

    # The other way round: the spec asks without TLS for what speaks nothing else.
    declared.put(servers.spec())
    declared.until_condition("Observed", "False", "Silent", "a port that speaks TLS only")

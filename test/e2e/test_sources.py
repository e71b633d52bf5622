"""Consul or Nomad is not there (yet)."""

import urllib.parse

from conftest import stays_so
from lab.consul import Consul
from lab.declared import Declared
from lab.process import free_port
from lab.relay import Relay


def test_consul_that_starts_later(start_operator, servers, world, tmp_path):
    port = free_port()
    operator = start_operator(f"http://127.0.0.1:{port}")
    operator.wait_until_answers()
    status, text = operator.http("/readyz")
    assert status == 503 and "not ready" in text
    assert operator.http("/healthz")[0] == 200

    consul = Consul(tmp_path / "consul", http_port=port)
    try:
        consul.wait()
        operator.wait()
        started = servers.start(3, service="")
        for server in started:
            consul.register(servers.name, str(server.port), server.address, server.port)
        declared = Declared(world, servers.name).of(consul, operator)
        declared.put(servers.spec())
        declared.until_ready()
    finally:
        operator.process.stop()
        consul.process.stop()


def test_nomad_that_is_down_for_a_while(start_operator, world, job):
    """No forming, no scaling meanwhile; and why is told."""
    address = urllib.parse.urlsplit(world.nomad.url)
    relay = Relay((address.hostname, address.port))
    operator = start_operator(world.consul.url, f"http://127.0.0.1:{relay.port}")
    cluster = Declared(world, job.name, prefix=f"{job.name}/", url=operator.url)
    job.run(count=6).wait_running(6)
    operator.wait()
    cluster.put(job.spec())
    cluster.until_condition("Observed", "False", "NomadUnavailable")
    stays_so("nothing is formed", lambda: cluster.record().get("state", "accepted") == "accepted")
    try:
        relay.open()
        cluster.until_ready()
        cluster.until_condition("Observed", "True")
        relay.close()
        cluster.until_condition("Observed", "False", "NomadUnavailable", seconds=45)
        assert cluster.status()["slots"]["served"] == 16384
    finally:
        relay.close()


def test_nomad_that_is_not_configured(start_operator, world, job):
    operator = start_operator(world.consul.url)
    cluster = Declared(world, job.name, prefix=f"{job.name}/", url=operator.url)
    job.run(count=6).wait_running(6)
    operator.wait()
    cluster.put(job.spec())
    condition = cluster.until_condition("Observed", "False", "NomadUnavailable")
    assert "without an address of Nomad" in condition["message"]
    without = {key: value for key, value in job.spec().items() if key != "nomad"}
    cluster.put(without)
    cluster.until_ready()
    job.assert_whole()

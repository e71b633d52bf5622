"""A whole world on loopback: Consul agents, a Nomad, and what is run on it from the shipped files."""

import contextlib
import json
import pathlib

from .consul import Consul
from .nomad import Nomad, start_nomad
from .operator import binary
from .process import ROOT, SERVERS, wait_until

MANIFESTS = ROOT / "manifests"


class World:
    """`hosts` Consul agents and as many Nomad clients (one of each on a real Nomad)."""

    def __init__(self, folder: pathlib.Path, hosts: int = 3, nomad_program: str = ""):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._open = contextlib.ExitStack()
        count = 1 if nomad_program else hosts
        try:
            self.consul = Consul(folder / "consul-1", "127.0.0.1", node="h1").wait()
            self._open.callback(self.consul.process.stop)
            self.consuls = [self.consul]
            for i in range(2, count + 1):
                agent = Consul(folder / f"consul-{i}", f"127.0.0.{i}", join=self.consul, node=f"h{i}",
                               http_port=self.consul.http_port)  # fmt: skip
                self._open.callback(agent.process.stop)
                self.consuls.append(agent)
            for agent in self.consuls:
                agent.wait()
            self.nomad: Nomad = start_nomad(folder, self.consuls, nomad_program)
            self._open.callback(self.nomad.process.stop, 30)
        except BaseException:
            self._open.close()
            raise

    def close(self) -> None:
        for job in ("redis-operator", "redis-cache"):
            with contextlib.suppress(OSError):
                self.nomad.stop_job(job)
        self._open.close()

    def __enter__(self) -> "World":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def run_redis(self, count: int = 6, **variables) -> str:
        return self.nomad.run(
            MANIFESTS / "redis-cluster.nomad.hcl",
            redis_server=str(SERVERS / "redis-server"), count=count, shutdown_delay="0s", **variables,
        )  # fmt: skip

    def run_operator(self, **variables) -> str:
        # Every host's operator asks its own agent: the same port on each host's address.
        return self.nomad.run(
            MANIFESTS / "operator.nomad.hcl",
            operator_binary=str(binary()), nomad_address=self.nomad.url,
            consul_address="${attr.unique.network.ip-address}:" + str(self.consul.http_port), **variables,
        )  # fmt: skip

    def passing(self, service: str) -> list[dict]:
        _, entries = self.consul.call("GET", f"/v1/health/service/{service}?passing")
        return [entry["Service"] for entry in entries]

    def wait_for(self, service: str, count: int, seconds: float = 60) -> list[dict]:
        wait_until(
            f"{count} passing instances of {service} (Nomad's log: {self.nomad.process.log})",
            lambda: len(self.passing(service)) >= count, seconds, every=0.05,
        )  # fmt: skip
        return self.passing(service)

    def operator_urls(self) -> list[str]:
        return [f"http://{s['Address']}:{s['Port']}" for s in self.passing("redis-operator-http")]

    def env(self) -> dict[str, str]:
        return {"CONSUL_HTTP_ADDR": self.consul.url, "NOMAD_ADDR": self.nomad.url}

    def status(self, cluster: str) -> dict:
        value = self.consul.get(f"redis-operator/clusters/{cluster}/status")
        return json.loads(value) if value else {}

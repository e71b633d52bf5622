"""A whole world on loopback: Consul agents, a Nomad, and what is run on it from the shipped files."""

import contextlib
import json
import pathlib
import urllib.request

from .consul import Consul
from .nomad import Nomad, make_nomad
from .operator import binary
from .process import ROOT, SERVERS, StartFailed, stop_all, wait_until
from .secure import Security

MANIFESTS = ROOT / "manifests"


class World:
    """`hosts` Consul agents and as many Nomad clients (one of each on a real Nomad)."""

    def __init__(self, folder: pathlib.Path, hosts: int = 3, nomad_program: str = "", secure: bool = False,
                 network: str = "127.0.0", first: int = 1):  # fmt: skip
        """The hosts' addresses are `network`.`first` and those that follow."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._open = contextlib.ExitStack()
        count = 1 if nomad_program else hosts
        addresses = [f"{network}.{i}" for i in range(first, first + count)]
        self.security = Security(folder / "secure", addresses) if secure else None
        try:
            self.consuls: list[Consul] = []
            self._open.callback(lambda: stop_all([consul.process for consul in self.consuls]))
            self.consul = Consul(folder / "consul-1", addresses[0], node="h1", security=self.security)
            self.consuls.append(self.consul)
            self.consul.wait()
            for i in range(2, count + 1):
                agent = Consul(folder / f"consul-{i}", addresses[i - 1], join=self.consul, node=f"h{i}",
                               http_port=self.consul.http_port, security=self.security)  # fmt: skip
                self.consuls.append(agent)
            for agent in self.consuls:
                agent.wait()
            if self.security:
                self.security.make_consul_tokens(self.consul)
            self.nomad: Nomad = make_nomad(folder, self.consuls, nomad_program, self.security)
            self._open.callback(self.nomad.process.stop, 30)
            self.nomad.wait(len(self.consuls))
        except BaseException:
            self._open.close()
            raise

    def close(self) -> None:
        with contextlib.suppress(OSError, StartFailed):
            self.nomad.stop_everything()
        self._open.close()

    def __enter__(self) -> "World":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def run_redis(self, count: int = 6, **variables) -> str:
        if self.security:
            redis = self.security.redis
            secured = {"config_file": str(self.security.redis_config()), "tls_ca": str(self.security.authority.ca),
                       "tls_cert": str(redis.cert), "tls_key": str(redis.key)}  # fmt: skip
            variables = {**secured, **variables}
        return self.nomad.run(
            MANIFESTS / "redis-cluster.nomad.hcl",
            redis_server=str(SERVERS / "redis-server"), count=count, shutdown_delay="0s", **variables,
        )  # fmt: skip

    def run_operator(self, **variables) -> str:
        scheme = ""
        if self.security:
            scheme, file = "https://", self.security.file
            secured = {
                "consul_ca": str(self.security.authority.ca), "consul_token_file": str(file("consul-operator")),
                "nomad_ca": str(self.security.authority.ca), "nomad_token_file": str(file("nomad-operator")),
                "http_cert": str(self.security.server.cert), "http_key": str(self.security.server.key),
                "http_token_file": str(file("listener")),
            }  # fmt: skip
            variables = {**secured, **variables}
        # Every host's operator asks its own agent: the same port on each host's address.
        return self.nomad.run(
            MANIFESTS / "operator.nomad.hcl",
            operator_binary=str(binary()), nomad_address=self.nomad.url,
            consul_address=scheme + "${attr.unique.network.ip-address}:" + str(self.consul.http_port), **variables,
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

    def env(self) -> dict[str, str]:
        """For the command line."""
        found = {"CONSUL_HTTP_ADDR": self.consul.url, "NOMAD_ADDR": self.nomad.url}
        if self.security:
            ca = str(self.security.authority.ca)
            found |= {"CONSUL_CACERT": ca, "CONSUL_HTTP_TOKEN_FILE": str(self.security.file("consul-user")), "NOMAD_CACERT": ca,
                      "REDIS_OPERATOR_NOMAD_TOKEN_FILE": str(self.security.file("nomad-operator"))}  # fmt: skip
        return found

    def leader(self) -> dict:
        """What the leader says of itself in its lock; {} when nobody holds it."""
        return self.consul.holder("redis-operator/leader")

    def wait_leader(self, other_than: str = "", seconds: float = 20) -> dict:
        def found():
            leader = self.leader()
            return leader if leader and leader["instance"] != other_than else None

        return wait_until("an operator leads", found, seconds)

    def leader_url(self) -> str:
        return f"http{'s' if self.security else ''}://{self.wait_leader()['address']}"

    def open(self, url: str, timeout: float = 3):
        """A page that an operator serves; in a secured world over TLS and with the listener's token."""
        if not self.security:
            return urllib.request.urlopen(url, timeout=timeout)
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self.security.listener_token}"})
        return urllib.request.urlopen(request, timeout=timeout, context=self.security.client_context())

    def operators(self) -> dict[str, int]:
        """Of every operator that Nomad runs now: the address at which it serves, and its process."""
        found = {}
        running = {allocation["ID"] for allocation in self.nomad.running("redis-operator")}
        _, entries = self.consul.call("GET", "/v1/health/service/redis-operator-http")
        for service in (entry["Service"] for entry in entries):
            if service["Meta"]["alloc_id"] in running:
                with contextlib.suppress(LookupError):  # Nomad starts it anew at this moment.
                    pid = self.nomad.task_pid(service["Meta"]["alloc_id"])
                    found[f"{service['Address']}:{service['Port']}"] = pid
        return found

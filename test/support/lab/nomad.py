"""Nomad: a real one when there is a program for it, else the stand-in. Both speak the same API and run the same files."""

import json
import os
import pathlib
import signal
import ssl
import sys
import urllib.error
import urllib.request

from .consul import Consul
from .process import ROOT, Process, free_port, wait_until
from .secure import POLICIES, Security


def find_nomad() -> str:
    """ROP_NOMAD: the path of a real Nomad, which hack/demo and hack/test --nomad give. Empty: the stand-in."""
    return os.environ.get("ROP_NOMAD", "")


class Nomad:
    """What both kinds have in common."""

    url = ""
    real = False
    process: Process
    context: ssl.SSLContext | None = None  # Of a secured one; with the token for its administrator.
    token = ""

    def call(self, method: str, path: str, body=None, timeout: float = 15):
        data = None if body is None else json.dumps(body).encode()
        headers = {"X-Nomad-Token": self.token} if self.token else {}
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=timeout, context=self.context) as answer:
                status, text = answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text

    def wait(self, hosts: int) -> None:
        wait_until(f"{self.process.name} (log: {self.process.log})", lambda: self.ready(hosts), 60, every=0.05)

    def ready(self, hosts: int) -> bool:
        self.process.check()
        try:
            status, nodes = self.call("GET", "/v1/nodes", timeout=1)
            return status == 200 and sum(node["Status"] == "ready" for node in nodes) == hosts
        except OSError:
            return False

    def run(self, file: pathlib.Path, **variables) -> str:
        """Submits a shipped job file, as `nomad job run -var ...` does. Returns the job's id."""
        # `$${`: for the client to fill in, not for the reader of the variables.
        text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in variables.items()).replace("${", "$${")
        body = {"JobHCL": file.read_text(), "Variables": text, "Canonicalize": True}
        status, job = self.call("POST", "/v1/jobs/parse", body)
        if status != 200:
            raise RuntimeError(f"{file.name} does not parse: {job}")
        status, answer = self.call("POST", "/v1/jobs", {"Job": job})
        if status != 200:
            raise RuntimeError(f"{file.name} was refused: {answer}")
        return job["ID"]

    def stop_job(self, job: str) -> None:
        self.call("DELETE", f"/v1/job/{job}?purge=true")

    def stop_everything(self) -> None:
        """Returns when no allocation runs any more."""
        _, jobs = self.call("GET", "/v1/jobs")
        for job in jobs:
            self.stop_job(job["ID"])
        wait_until(f"the jobs end (log: {self.process.log})", lambda: not self._living(), 30, every=0.05)

    def _living(self) -> list[str]:
        _, allocations = self.call("GET", "/v1/allocations")
        return [a["ID"] for a in allocations if a["ClientStatus"] in ("pending", "running")]

    def allocations(self, job: str) -> list[dict]:
        status, allocations = self.call("GET", f"/v1/job/{job}/allocations")
        return allocations if status == 200 else []

    def running(self, job: str) -> list[dict]:
        return [
            a for a in self.allocations(job) if a["ClientStatus"] == "running" and a["DesiredStatus"] == "run"
        ]

    def scale(self, job: str, group: str, count: int) -> None:
        body = {"Target": {"Group": group}, "Count": count}
        wait_until(f"job {job} may be scaled", lambda: self.call("POST", f"/v1/job/{job}/scale", body)[0] == 200, 30, 0.2)

    def task_pid(self, allocation: str) -> int:
        """The process that runs for an allocation."""
        raise NotImplementedError

    def kill_task(self, allocation: str, number: int = signal.SIGKILL) -> int:
        pid = self.task_pid(allocation)
        os.kill(pid, number)
        return pid

    def count(self, job: str, group: str) -> int:
        status, scale = self.call("GET", f"/v1/job/{job}/scale")
        return scale["TaskGroups"][group]["Desired"] if status == 200 else -1


class StandIn(Nomad):
    def __init__(self, folder: pathlib.Path, consuls: list[Consul], security: Security | None = None):
        address = consuls[0].address
        port = free_port(address)
        hosts = ",".join(f"h{i + 1}={c.address}:{c.http_port}" for i, c in enumerate(consuls))
        command = [
            sys.executable, "-m", "nomad_stand_in", "--http-host", address, "--http-port", str(port),
            "--data-dir", str(folder / "stand-in"), "--consul-hosts", hosts,
        ]  # fmt: skip
        env = {"PYTHONPATH": str(ROOT / "test/support")}
        if security:
            security.add_token("nomad-operator")
            command += ["--tls", f"{security.server.cert},{security.server.key}"]
            command += ["--acl-token-file", str(security.nomad_tokens())]
            env |= {"CONSUL_CACERT": str(security.authority.ca), "CONSUL_HTTP_TOKEN": security.tokens["consul-nomad"]}
            self.context, self.token = security.client_context(), security.nomad_root_token
        self.url = f"http{'s' if security else ''}://{address}:{port}"
        self.process = Process("nomad stand-in", command, folder / "nomad.log", env)

    def task_pid(self, allocation: str) -> int:
        _, tasks = self.call("GET", "/test/tasks")
        found = [task["pid"] for task in tasks if task["alloc"] == allocation]
        if not found:
            raise LookupError(f"no process of allocation {allocation}")
        return found[0]


class RealNomad(Nomad):
    """One agent, server and client, that ends its tasks when it ends (-dev). Nothing leaves loopback."""

    real = True

    def __init__(self, folder: pathlib.Path, program: str, consul: Consul, security: Security | None = None):
        self._folder = folder
        ports = [free_port() for _ in range(3)]
        config = folder / "nomad.hcl"
        config.write_text(
            f"""
name                 = "h1"
bind_addr            = "127.0.0.1"
disable_update_check = true
advertise {{
  http = "127.0.0.1"
  rpc  = "127.0.0.1"
  serf = "127.0.0.1"
}}
ports {{
  http = {ports[0]}
  rpc  = {ports[1]}
  serf = {ports[2]}
}}
client {{
  network_interface = "lo"
  max_kill_timeout  = "60s"
  min_dynamic_port  = 21000
  max_dynamic_port  = 31999
  options = {{
    "driver.allowlist"     = "raw_exec"
    "fingerprint.denylist" = "env_aws,env_gce,env_azure,env_digitalocean"
  }}
}}
consul {{
  address = "{consul.address}:{consul.http_port}"
  {self._to_consul(security) if security else ""}
}}
{self._secured(security) if security else ""}
"""
        )
        config.chmod(0o600)
        self.url = f"http{'s' if security else ''}://127.0.0.1:{ports[0]}"
        self._security = security
        if security:
            self.context, self.token = security.client_context(), security.nomad_root_token
        command = [program, "agent", "-dev", "-config", str(config), "-log-level", "WARN"]
        # With -dev it keeps everything in a folder of its own below TMPDIR.
        self.process = Process("nomad", command, folder / "nomad.log", {"TMPDIR": str(folder)})

    @staticmethod
    def _to_consul(security: Security) -> str:
        return f"""
  ssl     = true
  ca_file = "{security.authority.ca}"
  token   = "{security.tokens["consul-nomad"]}"
"""

    @staticmethod
    def _secured(security: Security) -> str:
        return f"""
tls {{
  http                = true
  verify_https_client = false
  ca_file             = "{security.authority.ca}"
  cert_file           = "{security.server.cert}"
  key_file            = "{security.server.key}"
}}
acl {{
  enabled = true
}}
"""

    def wait(self, hosts: int) -> None:
        if self._security:
            self._make_tokens(self._security)
        super().wait(hosts)

    def _make_tokens(self, security: Security) -> None:
        """The first token is ours, the operator's has the shipped policy."""
        bootstrap = {"BootstrapSecret": security.nomad_root_token}

        def is_done() -> bool:
            self.process.check()
            try:
                return self.call("POST", "/v1/acl/bootstrap", bootstrap)[0] == 200
            except OSError:
                return False

        wait_until(f"Nomad's first token (log: {self.process.log})", is_done, 30, every=0.1)
        rules = (POLICIES / "nomad-operator.hcl").read_text()
        status, answer = self.call("POST", "/v1/acl/policy/redis-operator", {"Name": "redis-operator", "Rules": rules})
        assert status == 200, answer
        body = {"Name": "operator", "Type": "client", "Policies": ["redis-operator"]}
        status, answer = self.call("POST", "/v1/acl/token", body)
        assert status == 200, answer
        security.add_token("nomad-operator", answer["SecretID"])

    def stop_everything(self) -> None:
        """Its executors and mounts stay until it has collected the allocations."""
        super().stop_everything()
        self.call("PUT", "/v1/system/gc")
        wait_until(
            f"the allocations are collected (log: {self.process.log})",
            lambda: not any(self._folder.glob("NomadClient*/*-*-*")), 30, every=0.05,
        )  # fmt: skip

    def task_pid(self, allocation: str) -> int:
        """The process whose environment names the allocation and that is no part of Nomad itself."""
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
                in_task = allocation.encode() in (entry / "cmdline").read_bytes() + (entry / "cwd").readlink().__bytes__()
            except OSError:
                continue
            if in_task and b"executor" not in command[1:2] and b"logmon" not in command[1:2]:
                return int(entry.name)
        raise LookupError(f"no process of allocation {allocation}")


def make_nomad(folder: pathlib.Path, consuls: list[Consul], program: str, security: Security | None = None) -> Nomad:
    return RealNomad(folder, program, consuls[0], security) if program else StandIn(folder, consuls, security)

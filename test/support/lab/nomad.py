"""Nomad: a real one when there is a program for it, else the stand-in. Both speak the same API and run the same files."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request

from .consul import Consul
from .process import ROOT, Process, free_port, wait_until

# The shipped jobs use `disconnect`, which older ones refuse.
LEAST_VERSION = (1, 8)


def find_nomad() -> tuple[str, str]:
    """(path, version) of ROP_NOMAD, else of the `nomad` on PATH when it is new enough; ("", why not) otherwise."""
    path = os.environ.get("ROP_NOMAD") or shutil.which("nomad") or ""
    if not path:
        return "", "no nomad on PATH"
    try:
        out = subprocess.run([path, "version"], capture_output=True, text=True, timeout=20, check=False).stdout
    except OSError as error:
        return "", f"{path}: {error}"
    match = re.search(r"v(\d+)\.(\d+)\.(\d+\S*)", out)
    if not match:
        return "", f"{path} does not tell its version"
    version = f"{match[1]}.{match[2]}.{match[3]}"
    if (int(match[1]), int(match[2])) < LEAST_VERSION:
        return "", f"{path} is {version}; the shipped jobs need 1.8 or newer"
    return path, version


class Nomad:
    """What both kinds have in common."""

    url = ""
    real = False
    process: Process

    def call(self, method: str, path: str, body=None, timeout: float = 15):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                status, text = answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text

    def ready(self, hosts: int) -> bool:
        self.process.check()
        try:
            status, nodes = self.call("GET", "/v1/nodes", timeout=1)
            return status == 200 and sum(node["Status"] == "ready" for node in nodes) == hosts
        except OSError:
            return False

    def run(self, file: pathlib.Path, **variables) -> str:
        """Submits a shipped job file, as `nomad job run -var ...` does. Returns the job's id."""
        text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in variables.items())
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

    def allocations(self, job: str) -> list[dict]:
        status, allocations = self.call("GET", f"/v1/job/{job}/allocations")
        return allocations if status == 200 else []

    def running(self, job: str) -> list[dict]:
        return [
            a for a in self.allocations(job) if a["ClientStatus"] == "running" and a["DesiredStatus"] == "run"
        ]

    def count(self, job: str, group: str) -> int:
        status, scale = self.call("GET", f"/v1/job/{job}/scale")
        return scale["TaskGroups"][group]["Desired"] if status == 200 else -1


class StandIn(Nomad):
    def __init__(self, folder: pathlib.Path, consuls: list[Consul]):
        port = free_port()
        hosts = ",".join(f"h{i + 1}={c.address}:{c.http_port}" for i, c in enumerate(consuls))
        command = [
            sys.executable, "-m", "nomad_stand_in", "--http-port", str(port), "--data-dir", str(folder / "stand-in"),
            "--consul-hosts", hosts,
        ]  # fmt: skip
        self.url = f"http://127.0.0.1:{port}"
        self.process = Process(
            "nomad stand-in", command, folder / "nomad.log", {"PYTHONPATH": str(ROOT / "test/support")}
        )

    def task_pid(self, allocation: str) -> int:
        _, tasks = self.call("GET", "/test/tasks")
        return next(task["pid"] for task in tasks if task["alloc"] == allocation)


class RealNomad(Nomad):
    """One agent, server and client, that ends its tasks when it ends (-dev). Nothing leaves loopback."""

    real = True

    def __init__(self, folder: pathlib.Path, program: str, consul: Consul):
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
}}
"""
        )
        self.url = f"http://127.0.0.1:{ports[0]}"
        command = [program, "agent", "-dev", "-config", str(config), "-log-level", "WARN"]
        self.process = Process("nomad", command, folder / "nomad.log")

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


def start_nomad(folder: pathlib.Path, consuls: list[Consul], program: str) -> Nomad:
    nomad = RealNomad(folder, program, consuls[0]) if program else StandIn(folder, consuls)
    hosts = 1 if program else len(consuls)
    wait_until(f"{nomad.process.name} (log: {nomad.process.log})", lambda: nomad.ready(hosts), 60, every=0.1)
    return nomad

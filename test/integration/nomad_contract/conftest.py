"""Real Consul agents and a stand-in of each recorded version, on free loopback ports, for as long as a test needs them."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).resolve().parents[3]
SERVERS = Path(os.environ.get("ROP_SERVERS", ROOT / ".cache/servers/bin"))
VERSIONS = ("2.0.5", "1.6.5")
PORTS = {"2.0.5": "20000-25999", "1.6.5": "26000-31999"}  # both at the same addresses at the same time
READY_SECONDS = 30


def free_ports(address, count):
    """Ports below the ephemeral range would need luck as well; these are free at this moment."""
    sockets = [socket.create_server((address, 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def wait_until(happened, what, seconds=READY_SECONDS):
    """The first true value of `happened()`; a failure that says what did not happen."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            value = happened()
            if value:
                return value
        except (requests.RequestException, OSError):
            pass
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


class Consul:
    """One agent: the first is the server, others join it."""

    def __init__(self, name, address, folder, join=None, config=""):
        self.name, self.address = name, address
        http, server, serf, dns = free_ports(address, 4)
        self.http, self.serf = f"{address}:{http}", f"{address}:{serf}"
        # No agent of these tests may be found by, or talk to, anything but its own kind.
        ports = f"ports {{ http = {http} https = -1 grpc = -1 dns = -1 server = {server} serf_lan = {serf} serf_wan = -1 }}"
        fast = "performance { raft_multiplier = 1 } disable_update_check = true"
        role = ["-dev"] if join is None else ["-data-dir", str(folder / name), "-retry-join", join.serf]
        command = [str(SERVERS / "consul"), "agent", *role, "-node", name, "-bind", address, "-client", address]
        if join is not None:
            command += ["-retry-interval", "1s"]
        self._log = open(folder / f"consul-{name}.log", "wb")
        self._process = subprocess.Popen(
            [*command, "-hcl", ports, "-hcl", fast, "-hcl", config], stdout=self._log, stderr=self._log
        )
        asked = join or self
        wait_until(
            lambda: name in [node["Node"] for node in requests.get(f"http://{asked.http}/v1/catalog/nodes").json()],
            f"Consul agent {name} is in the catalog ({self._log.name})",
        )

    def get(self, path):
        return requests.get(f"http://{self.http}{path}", timeout=10).json()

    def stop(self):
        self._process.kill()
        self._process.wait()
        self._log.close()


class StandIn:
    def __init__(self, version, consuls, folder, tokens=None, options=()):
        command = [sys.executable, "-m", "nomad_stand_in", "--nomad-version", version, "--data-dir", str(folder)]
        command += ["--port-range", PORTS[version]]
        command += ["--consul-hosts", ",".join(f"n{i}={one.http}" for i, one in enumerate(consuls, 1))]
        command += options
        if tokens:
            token_file = folder / "tokens"
            token_file.write_text("".join(f"{secret} {role}\n" for secret, role in tokens.items()))
            command += ["--acl-token-file", str(token_file)]
        self.version = version
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "test/support")}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)
        line = self.process.stdout.readline()
        assert line.startswith("ready "), f"the stand-in said {line!r}"
        self.url = line.split()[1]
        self._session = requests.Session()

    def call(self, method, path, body=None, headers=None, timeout=40):
        data = body if body is None or isinstance(body, str) else json.dumps(body)
        return self._session.request(method, self.url + path, data=data, headers=headers, timeout=timeout)

    def get(self, path):
        answer = self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def run_job(self, text, variables=""):
        parsed = self.call("POST", "/v1/jobs/parse", {"JobHCL": text, "Variables": variables, "Canonicalize": True})
        assert parsed.status_code == 200, parsed.text
        registered = self.call("POST", "/v1/jobs", {"Job": parsed.json()})
        assert registered.status_code == 200, registered.text
        return parsed.json()

    def allocs(self, job, **wanted):
        """The allocations of a job whose fields are as wanted."""
        found = self.get(f"/v1/job/{job}/allocations")
        return [alloc for alloc in found if all(alloc[name] == value for name, value in wanted.items())]

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        code = self.process.wait(timeout=20)
        self.process.stdout.close()
        self._session.close()
        return code


@pytest.fixture(scope="session")
def consuls(tmp_path_factory):
    """{version: two agents}: what one version registers must not be seen by the other's tests."""

    def pair(folder):
        first = Consul("c1", "127.0.0.1", folder)
        return [first, Consul("c2", "127.0.0.2", folder, join=first)]

    folders = {version: tmp_path_factory.mktemp(f"consul-{version}") for version in VERSIONS}
    agents = in_parallel({version: (lambda folder=folder: pair(folder)) for version, folder in folders.items()})
    yield agents
    for two in agents.values():
        for agent in two:
            agent.stop()


def in_parallel(calls):
    """{name: result} of {name: function}. Most of the time of these tests is waiting."""
    with ThreadPoolExecutor(len(calls)) as pool:
        futures = {name: pool.submit(call) for name, call in calls.items()}
        errors = {name: future.exception() for name, future in futures.items() if future.exception()}
        assert not errors, "\n".join(f"--- {name}: {error}" for name, error in errors.items())
        return {name: future.result() for name, future in futures.items()}


@pytest.fixture
def stand_in(consuls, tmp_path):
    """Two hosts, the newest version."""
    one = StandIn(VERSIONS[0], consuls[VERSIONS[0]], tmp_path)
    yield one
    if one.process.poll() is None:
        assert one.stop() == 0
        assert consuls[VERSIONS[0]][0].get("/v1/catalog/service/redis-cache") == [], "it has left services behind"


@pytest.fixture(scope="session")
def redis_server():
    return str(SERVERS / "redis-server")


@pytest.fixture(scope="session")
def manifests():
    return ROOT / "manifests"

"""Real Consul agents: one server, and a client for each further host."""

import base64
import json
import pathlib
import ssl
import time
import urllib.error
import urllib.request

from .process import SERVERS, Process, StartFailed, free_port, wait_until
from .secure import Security


class Consul:
    """One agent on one loopback address. The first one is the server, the others join it."""

    _context: ssl.SSLContext | None = None
    token = ""

    def __init__(self, folder: pathlib.Path, address: str = "127.0.0.1", join: "Consul | None" = None, node: str = "",
                 http_port: int = 0, token: str = "", hcl: str = "", security: Security | None = None):  # fmt: skip
        """`hcl` is added to its configuration; `token` is who we are when we ask it. With `security` it speaks TLS only and
        asks for tokens, and we are root."""
        folder.mkdir(parents=True, exist_ok=True)
        self.address = address
        self.token = token
        self.node = node or f"node-{address.rsplit('.', 1)[-1]}"
        self.http_port = http_port or free_port(address)
        self.serf_port = free_port(address)
        command = [
            str(SERVERS / "consul"), "agent", "-node", self.node, "-bind", address, "-client", address,
            "-data-dir", str(folder / "data"), "-http-port", str(-1 if security else self.http_port), "-dns-port", "-1",
            "-grpc-port", "-1", "-serf-lan-port", str(self.serf_port), "-serf-wan-port", "-1",
            "-server-port", str(free_port(address)), "-log-level", "warn",
            "-hcl", "performance { raft_multiplier = 1 } disable_update_check = true leave_on_terminate = false " + hcl,
        ]  # fmt: skip
        if security:
            self._context = security.client_context()
            self.token = security.root_token
            command += ["-config-file", str(security.consul_config({"https": self.http_port}))]
        if join is None:
            command += ["-server", "-bootstrap-expect", "1"]
        else:
            command += ["-retry-join", f"{join.address}:{join.serf_port}", "-retry-interval", "200ms"]
        self._command = command
        self._log = folder / f"consul-{self.node}.log"
        self.process = Process(f"consul {self.node}", command, self._log)

    @property
    def url(self) -> str:
        return f"http{'s' if self._context else ''}://{self.address}:{self.http_port}"

    def _open(self, request: urllib.request.Request, timeout: float, token: str = ""):
        if token or self.token:
            request.add_header("X-Consul-Token", token or self.token)
        return urllib.request.urlopen(request, timeout=timeout, context=self._context)

    def restart(self) -> None:
        self.process = Process(f"consul {self.node}", self._command, self._log)

    def call(self, method: str, path: str, body=None, timeout: float = 5, token: str = ""):
        """(status, parsed body or text). HTTP errors are answers, too."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        try:
            with self._open(request, timeout, token) as answer:
                status, text = answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text

    def ready(self) -> bool:
        self.process.check()
        try:
            status, leader = self.call("GET", "/v1/status/leader", timeout=1)
            if status != 200 or not leader:
                return False
            status, nodes = self.call("GET", "/v1/catalog/nodes", timeout=1)
            return status == 200 and any(node["Node"] == self.node for node in nodes)
        except (OSError, ValueError):
            return False

    def wait(self, seconds: float = 30) -> "Consul":
        wait_until(f"consul {self.node} (log: {self.process.log})", self.ready, seconds, every=0.05)
        return self

    def put(self, key: str, value: bytes) -> None:
        status, answer = self.call("PUT", f"/v1/kv/{key}", value)
        assert status == 200 and answer is True, answer

    def get(self, key: str) -> bytes | None:
        status, answer = self.call("GET", f"/v1/kv/{key}")
        return base64.b64decode(answer[0]["Value"] or "") if status == 200 else None

    def until_key(self, key: str, what: str, check, seconds: float = 20):
        """Waits by blocking queries for a value (parsed; None without one) of which `check` says something true, and
        returns that: milliseconds after the value was written."""
        index, deadline = 0, time.monotonic() + seconds
        while time.monotonic() < deadline:
            request = urllib.request.Request(f"{self.url}/v1/kv/{key}?index={index}&wait=1s")
            try:
                with self._open(request, 5) as answer:
                    index = int(answer.headers["X-Consul-Index"])
                    value = json.loads(base64.b64decode(json.load(answer)[0]["Value"] or ""))
            except urllib.error.HTTPError as error:
                index, value = int(error.headers.get("X-Consul-Index", 0)), None
            if found := check(value):
                return found
        raise StartFailed(f"{key}: {what}: not within {seconds:g} s")

    def delete(self, key: str) -> None:
        self.call("DELETE", f"/v1/kv/{key}")

    def register(self, service: str, identity: str, address: str, port: int) -> None:
        body = {
            "ID": identity, "Name": service, "Address": address, "Port": port,
            "Check": {"TCP": f"{address}:{port}", "Interval": "1s", "Timeout": "1s", "Status": "passing"},
        }  # fmt: skip
        status, answer = self.call("PUT", "/v1/agent/service/register", body)
        assert status == 200, answer

    def holder(self, key: str) -> dict:
        """The value of a lock that somebody holds; {} when nobody does."""
        status, answer = self.call("GET", f"/v1/kv/{key}")
        held = status == 200 and answer[0].get("Session")
        return json.loads(base64.b64decode(answer[0]["Value"])) if held else {}

    def deregister(self, identity: str) -> None:
        self.call("PUT", f"/v1/agent/service/deregister/{identity}")

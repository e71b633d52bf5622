"""The program under test, as its users start it."""

import json
import os
import pathlib
import subprocess
import urllib.error
import urllib.request

from .process import ROOT, Process, StartFailed, free_port, wait_until


def binary() -> pathlib.Path:
    """ROP_OPERATOR, else the release build."""
    path = pathlib.Path(os.environ.get("ROP_OPERATOR", ROOT / "build/release/redis-operator"))
    if not path.is_file():
        raise StartFailed(f"there is no {path}: build it, or name another one in ROP_OPERATOR")
    return path


class Operator:
    def __init__(self, folder: pathlib.Path, consul_url: str, nomad_url: str = "", name: str = "operator",
                 kv_prefix: str = "redis-operator/", args=(), listen: str = "",
                 inside: list[str] | None = None, env: dict[str, str] | None = None):  # fmt: skip
        """`inside`: what the command line begins with when it runs on a host of its own (net.Link)."""
        folder.mkdir(parents=True, exist_ok=True)
        self.listen = listen or f"127.0.0.1:{free_port()}"
        self.env = {"CONSUL_HTTP_ADDR": consul_url, **(env or {})}
        if nomad_url:
            self.env["NOMAD_ADDR"] = nomad_url
        self.kv_prefix = kv_prefix
        command = [*(inside or []), str(binary()), "run", "--listen", self.listen, "--kv-prefix", kv_prefix, *args]
        self.process = Process(name, command, folder / f"{name}.log", self.env)

    @property
    def url(self) -> str:
        return f"http://{self.listen}"

    def http(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(self.url + path, timeout=2) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def wait_until_answers(self) -> None:
        def answers() -> bool:
            self.process.check()
            try:
                return self.http("/healthz")[0] == 200
            except OSError:
                return False

        wait_until(f"redis-operator serves (log: {self.process.log})", answers, 10)

    def ready(self) -> bool:
        self.process.check()
        try:
            return self.http("/readyz")[0] == 200
        except OSError:
            return False

    def wait(self, seconds: float = 20) -> "Operator":
        wait_until(f"redis-operator (log: {self.process.log})", self.ready, seconds)
        return self

    def cluster(self, name: str) -> dict:
        status, body = self.http(f"/v1/clusters/{name}")
        return json.loads(body) if status == 200 else {}

    def cli(self, *words: str, text: str | None = None, timeout: float = 60) -> subprocess.CompletedProcess:
        return subprocess.run(
            [str(binary()), *words],
            input=text, capture_output=True, text=True, timeout=timeout, check=False,
            env={**os.environ, **self.env},
        )  # fmt: skip

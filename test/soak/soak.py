#!/usr/bin/env python3
"""Two operators under churn, for minutes: instances killed and replaced, specs applied and deleted, the connections to
Consul cut, the lock taken away, clients of the pages that come and go. Memory and descriptors must stay where they are.
"""

import argparse
import contextlib
import json
import pathlib
import random
import socket
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from judge import Sample, judge_descriptors, judge_memory  # noqa: E402
from lab.consul import Consul  # noqa: E402
from lab.operator import Operator  # noqa: E402
from lab.process import StartFailed, wait_until  # noqa: E402
from lab.redis_server import RedisServer  # noqa: E402
from lab.relay import Relay  # noqa: E402

SERVICE = "redis-soak"
SAMPLE_EVERY_S = 2.0


class Clients(threading.Thread):
    """Of the web pages: some read to the end, some go away before, some never ask."""

    def __init__(self, operators: list[Operator], chance: random.Random):
        super().__init__(daemon=True)
        self.operators, self.chance, self.count, self.stopped = operators, chance, 0, threading.Event()

    def run(self) -> None:
        while not self.stopped.wait(0.1):
            operator = self.chance.choice(self.operators)
            page = self.chance.choice(["/", "/metrics", "/readyz", "/v1/clusters", "/v1/clusters/soak/plan", "/no"])
            with contextlib.suppress(OSError):
                if self.chance.random() < 0.7:
                    operator.http(page)
                else:
                    host, port = operator.listen.split(":")
                    with socket.create_connection((host, int(port)), 1) as connection:
                        connection.sendall(f"GET {page} HTTP/1.1\r\n".encode()[: self.chance.randrange(40)])
                self.count += 1


class Soak:
    def __init__(self, folder: pathlib.Path, seed: int):
        self.folder, self.chance = folder, random.Random(seed)
        self.open = contextlib.ExitStack()
        self.consul = Consul(folder / "consul")
        self.open.callback(self.consul.process.stop)
        self.consul.wait()
        self.relay = Relay((self.consul.address, self.consul.http_port))
        self.relay.open()
        url = f"http://127.0.0.1:{self.relay.port}"
        self.operators = [Operator(folder / name, url, name=name) for name in ("one", "other")]
        for operator in self.operators:
            self.open.callback(operator.process.stop)
        self.servers: list[RedisServer] = []
        self.open.callback(lambda: [server.process.kill() for server in self.servers])
        self.counts = {"instances replaced": 0, "specs applied and deleted": 0, "times cut from Consul": 0,
                       "leaders deposed": 0}  # fmt: skip
        self.replacing = False
        self.samples: dict[str, list[Sample]] = {operator.process.name: [] for operator in self.operators}

    def key(self, name: str) -> str:
        return f"redis-operator/clusters/{name}/spec"

    def spec(self, service: str) -> bytes:
        spec = {"version": 1, "mode": "cluster", "primaries": 3, "replicasPerPrimary": 1, "service": service}
        return json.dumps(spec).encode()

    def add_server(self) -> None:
        settings = {"cluster-node-timeout": "1000"}  # Redis itself promotes the replica of a primary that is killed.
        server = RedisServer(self.folder / f"redis-{time.monotonic_ns()}", settings=settings).wait()
        self.servers.append(server)
        self.consul.register(SERVICE, f"{SERVICE}-{server.port}", server.address, server.port)

    def phase(self) -> str:
        status = json.loads(self.consul.get("redis-operator/clusters/soak/status") or b"{}")
        return status.get("phase", "")

    def form(self) -> None:
        for _ in range(6):
            self.add_server()
        self.consul.put(self.key("soak"), self.spec(SERVICE))
        wait_until(f"Ready (logs in {self.folder})", lambda: self.phase() == "Ready", 60)

    # --- What happens, one thing at a time ---

    def replace_instance(self) -> None:
        if self.phase() != "Ready":
            return  # One at a time: with two of a shard its keys would be gone.
        victim = self.servers.pop(self.chance.randrange(len(self.servers)))
        victim.process.kill()
        self.consul.deregister(f"{SERVICE}-{victim.port}")
        self.add_server()
        self.counts["instances replaced"] += 1

    def declare_and_delete(self) -> None:
        name = f"passing-{self.chance.randrange(5)}"
        if self.consul.get(self.key(name)) is None:
            self.consul.put(self.key(name), self.chance.choice([self.spec(f"redis-{name}"), b'{"version": 1', b"{}"]))
        else:
            for document in ("spec", "record", "status", "events"):
                self.consul.delete(self.key(name).replace("spec", document))
            self.counts["specs applied and deleted"] += 1

    def cut_from_consul(self) -> None:
        self.relay.close()
        self.relay.open()
        self.counts["times cut from Consul"] += 1

    def depose_leader(self) -> None:
        status, entries = self.consul.call("GET", "/v1/kv/redis-operator/leader")
        session = entries[0].get("Session") if status == 200 else None
        if session:
            self.consul.call("PUT", f"/v1/session/destroy/{session}")
            self.counts["leaders deposed"] += 1

    def sample(self, at: float) -> None:
        for operator in self.operators:
            operator.process.check()
            proc = pathlib.Path(f"/proc/{operator.process.pid}")
            rss = next(line for line in (proc / "status").read_text().splitlines() if line.startswith("VmRSS:"))
            sample = Sample(at, int(rss.split()[1]), len(list((proc / "fd").iterdir())))
            self.samples[operator.process.name].append(sample)

    def run(self, seconds: float) -> None:
        every = {self.replace_instance: 8.0, self.declare_and_delete: 1.0, self.cut_from_consul: 6.0,
                 self.depose_leader: 15.0, None: SAMPLE_EVERY_S}  # fmt: skip
        due = {what: pause for what, pause in every.items()}
        began, shown = time.monotonic(), 0
        while (now := time.monotonic() - began) < seconds:
            for what, at in due.items():
                if at <= now:
                    due[what] = now + every[what] * (1 if what is None else self.chance.uniform(0.5, 1.5))
                    self.sample(now) if what is None else what()
            if now >= shown * 30 + 30:
                shown += 1
                self.show(now)
            time.sleep(0.05)
        self.relay.close()
        self.relay.open()

    def show(self, now: float) -> None:
        cells = [f"{name}: {kept[-1].rss_kib / 1024:6.1f} MiB {kept[-1].descriptors:4} fds"
                 for name, kept in self.samples.items()]  # fmt: skip
        print(f"{now / 60:5.1f} min   {'   '.join(cells)}   {self.phase()}", flush=True)

    def judge(self) -> bool:
        flat = True
        for name, kept in self.samples.items():
            for verdict in (judge_memory(kept), judge_descriptors(kept)):
                flat = flat and verdict.flat
                print(f"{'flat    ' if verdict.flat else 'NOT FLAT'}  {name}: {verdict.words}")
        return flat


def main() -> int:
    parser = argparse.ArgumentParser(prog="hack/soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rop-soak-") as name:
        soak = Soak(pathlib.Path(name), options.seed)
        with soak.open:
            soak.form()
            clients = Clients(soak.operators, soak.chance)
            clients.start()
            soak.run(options.minutes * 60)
            clients.stopped.set()
            clients.join(5)
            try:  # Churn over: it must come to rest.
                wait_until("Ready after the churn", lambda: soak.phase() == "Ready", 120, every=0.2)
                rests = True
            except StartFailed as late:
                rests = False
                print(late)
            counts = [f"{count} {what}" for what, count in {**soak.counts, "requests": clients.count}.items()]
            print(f"after {options.minutes:g} min: " + ", ".join(counts))
            return 0 if soak.judge() and rests else 1


if __name__ == "__main__":
    sys.exit(main())

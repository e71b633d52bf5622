#!/usr/bin/env python3
"""What one formed cluster of six costs its leading operator while nothing happens: CPU share and resident memory."""

import argparse
import json
import os
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from lab.consul import Consul  # noqa: E402
from lab.operator import Operator  # noqa: E402
from lab.process import wait_until  # noqa: E402
from lab.redis_server import RedisServer  # noqa: E402

SERVICE = "bench-idle"
# Everything that forming set in motion has come to rest.
SETTLE_S = 5.0


def cpu_seconds(pid: int) -> float:
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("no VmRSS in /proc")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rop-bench-") as name:
        folder = pathlib.Path(name)
        consul = Consul(folder / "consul").wait()
        operator = Operator(folder, consul.url).wait()
        servers = [RedisServer(folder / str(i)) for i in range(6)]
        try:
            for server in servers:
                server.wait()
                consul.register(SERVICE, f"{SERVICE}-{server.port}", server.address, server.port)
            spec = {"version": 1, "mode": "cluster", "primaries": 3, "replicasPerPrimary": 1, "service": SERVICE}
            consul.put("redis-operator/clusters/idle/spec", json.dumps(spec).encode())
            wait_until("Ready", lambda: operator.cluster("idle").get("phase") == "Ready", 30)
            time.sleep(SETTLE_S)
            pid = operator.process.pid
            before, began = cpu_seconds(pid), time.monotonic()
            time.sleep(options.seconds)
            share = (cpu_seconds(pid) - before) / (time.monotonic() - began)
            print(f"idle for {options.seconds:g} s: {share:.2%} of a core, {resident_mb(pid):.1f} MB resident")
        finally:
            operator.process.stop()
            for server in servers:
                server.process.kill()
            consul.process.stop()


if __name__ == "__main__":
    main()

"""How many threads an operator has while it forms a cluster: one, and a second one where a name must be looked up."""

import contextlib
import json
import pathlib

import pytest
from lab.consul import Consul
from lab.operator import Operator
from lab.process import stop_all, wait_until
from lab.redis_server import RedisServer


@pytest.fixture(scope="module")
def consul(tmp_path_factory):
    agent = Consul(tmp_path_factory.mktemp("consul"), node="h1")
    try:
        yield agent.wait()
    finally:
        stop_all([agent.process])


def threads_of(process) -> int:
    process.check()
    return len(list(pathlib.Path(f"/proc/{process.pid}/task").iterdir()))


@pytest.mark.parametrize(("by", "host", "most"), [("address", "127.0.0.1", 1), ("name", "localhost", 2)])
def test_threads_of_an_operator(consul, tmp_path, by, host, most):
    prefix = f"{by}/"
    seen = set()
    with contextlib.ExitStack() as stack:
        servers = [RedisServer(tmp_path / f"server-{i}") for i in range(3)]
        for server in servers:
            stack.callback(server.process.kill)
        spec = {"version": 1, "mode": "cluster", "primaries": 3, "replicasPerPrimary": 0,
                "service": f"redis-{by}", "allow": ["noReplicas"]}  # fmt: skip
        consul.put(f"{prefix}clusters/cache/spec", json.dumps(spec).encode())
        operator = Operator(tmp_path, f"http://{host}:{consul.http_port}", kv_prefix=prefix,
                            args=("--service-name", f"operator-{by}"))  # fmt: skip
        stack.callback(operator.process.stop)
        for server in servers:
            server.wait()
            consul.register(f"redis-{by}", f"{by}-{server.port}", server.address, server.port)

        def is_ready() -> bool:
            seen.add(threads_of(operator.process))
            status = json.loads(consul.get(f"{prefix}clusters/cache/status") or b"{}")
            return status.get("phase") == "Ready"

        wait_until(f"ready (log: {operator.process.log})", is_ready, 40)
        operator.http("/metrics")
        seen.add(threads_of(operator.process))
    assert seen and max(seen) == most, seen

"""The story that hack/demo tells."""

import argparse
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time

from .nomad import find_nomad
from .operator import binary
from .process import StartFailed, wait_until
from .world import MANIFESTS, World

STARTED = time.monotonic()
COLOUR = sys.stdout.isatty()


def say(text: str, mark: str = " ") -> None:
    print(f"{time.monotonic() - STARTED:7.2f} s {mark} {text}", flush=True)


def title(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if COLOUR else f"\n{text}", flush=True)


class Timeline(threading.Thread):
    """Prints what changes in the status that the leader publishes, as it changes."""

    def __init__(self, urls: list[str], name: str, began: float):
        super().__init__(daemon=True)
        self._urls, self._name, self._began = urls, name, began
        self._done = threading.Event()
        self.ready_after = 0.0

    def run(self) -> None:
        import urllib.request

        shown, phases = set(), []
        while not self._done.is_set():
            for url in self._urls:
                try:
                    with urllib.request.urlopen(f"{url}/v1/clusters/{self._name}", timeout=1) as answer:
                        status = json.load(answer)
                except (OSError, ValueError):
                    continue
                if status.get("phase") == "Ready" and not self.ready_after:
                    self.ready_after = time.monotonic() - self._began
                line = f"{status.get('phase', ''):8} {status.get('message', '')}"
                if line not in shown and url == self._urls[0]:
                    shown.add(line)
                    phases.append(line)
                    say(f"+{time.monotonic() - self._began:.2f} s  {line}", "|")
            time.sleep(0.01)

    def stop(self) -> None:
        self._done.set()
        self.join(5)


def run_cli(world: World, *words: str) -> subprocess.CompletedProcess:
    import os

    shown = " ".join(words)
    print(f"\n$ redis-operator {shown}", flush=True)
    return subprocess.run(
        [str(binary()), *words], env={**os.environ, **world.env()}, timeout=90, check=True, text=True
    )


def use_as_client(world: World) -> None:
    import redis

    entry = world.passing("redis-cache")[0]
    client = redis.RedisCluster(host=entry["Address"], port=entry["Port"], decode_responses=True)
    began = time.monotonic()
    for i in range(1000):
        client.set(f"demo:{i}", i)
    values = [client.get(f"demo:{i}") for i in range(1000)]
    assert values == [str(i) for i in range(1000)], "what was read is not what was written"
    owners = len({client.get_node_from_key(f"demo:{i}").name for i in range(1000)})
    say(f"1000 keys written and read back through {owners} primaries in {time.monotonic() - began:.2f} s")
    client.close()


def tell(world: World, keep: bool) -> None:
    title("Jobs, from the shipped files")
    world.run_operator()
    world.run_redis(count=6)
    say("submitted manifests/operator.nomad.hcl and manifests/redis-cluster.nomad.hcl with 6 instances")
    hosts = len(world.consuls)
    world.wait_for("redis-operator-http", hosts)
    say(f"redis-operator runs on {hosts} host{'s' if hosts > 1 else ''}; one leads")
    world.wait_for("redis-cache", 6)
    say("6 empty instances of redis-cache run, each with a client port and a bus port of its own")

    title("A cluster forms")
    urls = world.operator_urls()
    wait_until("a leader", lambda: world.consul.get("redis-operator/leader"), 20)
    spec = MANIFESTS / "examples/cache.json"
    began = time.monotonic()
    timeline = Timeline(leader_first(world, urls), "cache", began)
    timeline.start()
    run_cli(world, "apply", str(spec))
    run_cli(world, "wait", "cache", "--for", "ready", "--timeout", "45s")
    wait_until("Ready in the timeline", lambda: timeline.ready_after, 10)
    timeline.stop()
    say(f"Ready {timeline.ready_after:.2f} s after apply", "=")

    title("A client uses it")
    use_as_client(world)

    title("What people see")
    run_cli(world, "get")
    run_cli(world, "describe", "cache")

    title("Where to look")
    say(f"API      {urls[0]}/v1/clusters")
    say(f"metrics  {urls[0]}/metrics")
    say(f"Consul   {world.consul.url}/ui   Nomad API  {world.nomad.url}")
    if keep:
        exports = " ".join(f"{name}={value}" for name, value in world.env().items())
        say(f"try: {exports} {binary()} get")
        say("running until Ctrl-C")
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


def leader_first(world: World, urls: list[str]) -> list[str]:
    """The leader's own view is the one that is never late."""
    leader = json.loads(world.consul.get("redis-operator/leader") or b"{}")
    address = leader.get("address", "")
    return sorted(urls, key=lambda url: not (address and url.endswith(address)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    program, _ = find_nomad()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if options.keep:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM} if not options.keep else set())
    with tempfile.TemporaryDirectory(prefix="rop-demo-", ignore_cleanup_errors=True) as name:
        part = "starting Consul and Nomad"
        try:
            title("Servers")
            with World(pathlib.Path(name), nomad_program=program) as world:
                say(f"{len(world.consuls)} Consul agents (1.8.7) and Nomad are up on loopback")
                part = "the story"
                tell(world, options.keep)
                title("Leaving")
            say("everything is stopped and removed")
        except (StartFailed, subprocess.CalledProcessError, RuntimeError, AssertionError) as error:
            kept = pathlib.Path(tempfile.mkdtemp(prefix="rop-demo-logs-"))
            for log in pathlib.Path(name).rglob("*.log"):
                (kept / log.name).write_bytes(log.read_bytes())
            print(f"\nhack/demo failed while {part}: {error}\nThe logs are in {kept}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

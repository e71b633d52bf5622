"""The story that hack/demo tells."""

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from .nomad import find_nomad
from .operator import binary
from .process import StartFailed, wait_until
from .witness import Witness
from .world import MANIFESTS, World

KEYS = 1_000
STARTED = time.monotonic()
COLOUR = sys.stdout.isatty()


def paint(code: str, text: str) -> str:
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


def title(text: str) -> None:
    print("\n" + paint("1", text), flush=True)


def say(text: str) -> None:
    print(f"  {time.monotonic() - STARTED:5.1f} s  {text}", flush=True)


class Part:
    """What is being done: named when it fails."""

    name = "starting"

    @classmethod
    def is_now(cls, name: str, shown: str = "") -> None:
        cls.name = name
        title(shown or name[0].upper() + name[1:])


class Timeline(threading.Thread):
    """Prints what the leader says about a cluster, as it changes."""

    def __init__(self, world: World):
        super().__init__(daemon=True)
        self._world = world
        self._url = f"{world.leader_url()}/v1/clusters/cache"
        self._began = time.monotonic()
        self._done = threading.Event()
        self.ready_after = 0.0

    def run(self) -> None:
        shown = ""
        while not self._done.is_set() and not self.ready_after:
            try:
                with self._world.open(self._url, timeout=1) as answer:
                    status = json.load(answer)
            except (OSError, ValueError):
                continue
            took = time.monotonic() - self._began
            phase, line = status["phase"], f"{self._bar(status)}  {status['message']}"
            if phase + line != shown:
                shown = phase + line
                name = paint("32" if phase == "Ready" else "33", f"{phase:8}")
                print(f"  +{took:5.2f} s  {name} {line}", flush=True)
            if phase == "Ready":
                self.ready_after = took
            self._done.wait(0.01)

    @staticmethod
    def _bar(status: dict) -> str:
        """An instance each: `#` serves, `-` is there."""
        return "".join("#" if one["state"] == "ok" else "-" for one in status.get("instances", []))

    def stop(self) -> None:
        self._done.set()
        self.join(5)


def run_cli(world: World, *words: str, shown: bool = True) -> str:
    """One command as a user types it, with what it says."""
    if shown:
        print("\n" + paint("2", f"$ redis-operator {' '.join(words)}"), flush=True)
    out = None if shown else subprocess.PIPE
    command = [str(binary()), *words]
    done = subprocess.run(command, env={**os.environ, **world.env()}, stdout=out, timeout=90, check=True, text=True)
    return done.stdout or ""


def start_jobs(world: World) -> None:
    Part.is_now("running the shipped jobs", "Jobs, from the shipped files")
    hosts = len(world.consuls)
    world.run_operator()
    world.run_redis(count=6)
    world.wait_for("redis-operator-http", hosts, seconds=30)
    world.wait_leader()
    standby = f", {hosts - 1} stand by" if hosts > 1 else ""
    say(f"manifests/operator.nomad.hcl        {hosts} host{'s' if hosts > 1 else ''}: one leads{standby}")
    world.wait_for("redis-cache", 6)
    say("manifests/redis-cluster.nomad.hcl   6 empty instances, each with a client port and a bus port of its own")


def spec_of(world: World) -> pathlib.Path:
    """The shipped example; a secured one names this world's certificates, and its password is put where it says."""
    if not world.security:
        return MANIFESTS / "examples/cache.json"
    world.security.keep_password(world.consul)
    say("its password is in Consul, where the shipped policies let the operator read it, and those who apply specs not")
    return world.security.put("cache.json", json.dumps(world.security.spec(), indent=2))


def shown_path(world: World, spec: pathlib.Path) -> str:
    return "manifests/examples/secure.json  # with this world's certificates" if world.security else str(spec.relative_to(MANIFESTS.parent))


def form(world: World) -> None:
    Part.is_now("forming a cluster", "A cluster forms")
    spec = spec_of(world)
    timeline = Timeline(world)
    began = datetime.datetime.now(datetime.timezone.utc)
    print("\n" + paint("2", f"$ redis-operator apply {shown_path(world, spec)}"), flush=True)
    timeline.start()
    try:
        run_cli(world, "apply", str(spec), shown=False)
        run_cli(world, "wait", "cache", "--for", "ready", "--timeout", "45s", shown=False)
        wait_until("Ready in the timeline", lambda: timeline.ready_after, 10)
    finally:
        timeline.stop()
    print("\n  What the leader did:")
    formed = json.loads(run_cli(world, "events", "cache", "-o", "json", shown=False))
    for event in formed:
        at = datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00"))
        print(f"  +{max(0.0, (at - began).total_seconds()):5.2f} s  {event['message']}", flush=True)
    print("\n  " + paint("1;32", f"Ready {timeline.ready_after:.2f} s after apply"), flush=True)


def use_as_client(world: World) -> None:
    Part.is_now("using it as a client", "A client uses it")
    entries = world.passing("redis-cache")
    endpoints = [(entry["Address"], entry["Port"]) for entry in entries]
    secured = (world.security.redis_password, world.security.redis_tls().for_redis_py()) if world.security else ()
    with Witness(endpoints, *secured) as witness:
        began = time.monotonic()
        witness.write(KEYS)
        wrote = time.monotonic()
        witness.read(KEYS)
        read = time.monotonic()
        owners = [row for row in witness.table().values() if not row.is_replica]
    say(f"redis-py, cluster-aware{', with certificate and password' if secured else ''}: {KEYS} keys written in {wrote - began:.2f} s and read back in {read - wrote:.2f} s, "
        f"spread over {len(owners)} primaries")  # fmt: skip


def show(world: World) -> None:
    Part.is_now("showing it", "What people see")
    run_cli(world, "get")
    run_cli(world, "describe", "cache")
    title("Where to look")
    url = world.leader_url()
    print(f"  API      {url}/v1/clusters/cache")
    print(f"  metrics  {url}/metrics")
    print(f"  Consul   {world.consul.url}/v1/kv/redis-operator/?recurse")
    print(f"  Nomad    {world.nomad.url}/v1/job/redis-cache/allocations", flush=True)


def keep_running(world: World) -> None:
    Part.is_now("keeping it", "It keeps running until Ctrl-C. Try, in another shell:")
    exports = " ".join(f"{name}={value}" for name, value in world.env().items())
    print(f"  export {exports}")
    print(f"  {binary()} describe cache", flush=True)
    with contextlib.suppress(KeyboardInterrupt, Stopped):
        while True:
            signal.pause()
    print(flush=True)


class Stopped(BaseException):
    """SIGTERM, taken as Ctrl-C is."""


def stopped(*_) -> None:
    raise Stopped


def tell_what_is_secured() -> None:
    say("Consul   TLS, and ACLs that deny by default: the operator's token has manifests/policies/consul-operator.hcl")
    say("Nomad    TLS, and ACLs: manifests/policies/nomad-operator.hcl")
    say("Redis    TLS with certificates on both sides, bus and replication too; an ACL user for the operator")
    say("pages    of the operators: TLS and a bearer token; without the token they answer 401 only")


def tell(folder: pathlib.Path, keep: bool, secure: bool) -> None:
    Part.is_now("starting Consul and Nomad", "Servers, on loopback and free ports")
    program = find_nomad()
    world = World(folder, nomad_program=program, secure=secure)
    try:
        hosts = ", ".join(consul.address for consul in world.consuls)
        say(f"Consul   real, {len(world.consuls)} agent{'s' if len(world.consuls) > 1 else ''} on {hosts}")
        say(f"Nomad    {'real, ' + program if program else 'the stand-in; what it runs are real processes'}")
        if secure:
            tell_what_is_secured()
        start_jobs(world)
        form(world)
        use_as_client(world)
        show(world)
        if keep:
            keep_running(world)
        Part.is_now("stopping everything", "Leaving")
    finally:
        # From here on a second Ctrl-C would only leave something behind.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        world.close()


def keep_logs(folder: pathlib.Path) -> pathlib.Path:
    kept = pathlib.Path(tempfile.mkdtemp(prefix="rop-demo-logs-"))
    for log in folder.rglob("*"):
        if log.is_file() and (log.suffix == ".log" or log.parent.name == "logs"):
            copy = kept / log.relative_to(folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(log, copy)
    return kept


def last_words(kept: pathlib.Path) -> str:
    """Which log says what in its last line: where to look first."""
    said = []
    for log in sorted(kept.rglob("*")):
        lines = log.read_text(errors="replace").split("\n") if log.is_file() else []
        if last := next((line.strip() for line in reversed(lines) if line.strip()), ""):
            said.append(f"  {log.relative_to(kept)}\n    {last[:160]}")
    return "\n".join(said)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--secure", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, stopped)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="rop-demo-"))
    try:
        tell(folder, options.keep, options.secure)
    except (KeyboardInterrupt, Stopped):
        print("\nhack/demo: interrupted; everything is stopped and removed", file=sys.stderr)
        return 130
    except (StartFailed, subprocess.SubprocessError, RuntimeError, AssertionError, OSError) as error:
        kept = keep_logs(folder)
        what = str(error).replace(str(folder), str(kept))
        print(f"\nhack/demo failed while {Part.name}: {what}\n\nThe last line of every log in {kept}:", file=sys.stderr)
        print(last_words(kept), file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    say("everything is stopped and removed")
    return 0


if __name__ == "__main__":
    sys.exit(main())

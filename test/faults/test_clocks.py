"""Clocks that jump, and clocks that run too fast or too slow. Namespaces share them, so the operators are shown others."""

import contextlib
import mmap
import pathlib
import signal
import struct
import threading
import time

import pytest
from lab.hosts import HTTP, gauge
from lab.operator import binary


def bent_clock(**more: str) -> dict[str, str]:
    """The environment of an operator that is shown clocks of ours: see bent_clock.cpp, built beside the operator."""
    return {"LD_PRELOAD": str(binary().parent / "test/faults/libbent_clock.so"), **more}


class WallClock:
    """How many seconds the wall clock of an operator is off: see bent_clock.cpp."""

    def __init__(self, file: pathlib.Path):
        file.write_bytes(struct.pack("d", 0))
        with file.open("r+b") as opened:
            self._shared = mmap.mmap(opened.fileno(), 8)
        self.env = bent_clock(ROP_CLOCK_FILE=str(file))

    def jump(self, seconds: float) -> None:
        self._shared[:] = struct.pack("d", seconds)


@pytest.fixture
def restart(lab):
    """restart(host, environment): the host's operator anew; afterwards all are again as they were."""
    changed = []

    def anew(host, env: dict[str, str]) -> None:
        host.operator.process.stop()
        host.start_operator(env=env).wait()
        changed.append(host)

    yield anew
    for host in changed:
        host.wake()
        host.operator.process.stop()


@pytest.fixture
def wall_clocks(lab, restart, tmp_path):
    clocks = []
    for host in lab.hosts:
        clocks.append(WallClock(tmp_path / host.name))
        restart(host, clocks[-1].env)
    lab.until_one_leads()
    return clocks


@contextlib.contextmanager
def jumping(clocks: list[WallClock]):
    """By an hour ahead, back, and by an hour behind, each of them on its own, ten times a second."""
    over = threading.Event()

    def jump() -> None:
        times = 0
        while not over.wait(0.1):
            times += 1
            for i, clock in enumerate(clocks):
                clock.jump(3600 * ((times + i) % 3 - 1))

    thread = threading.Thread(target=jump)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_064_wall_clocks_jump(lab, wall_clocks, cluster):
    """A cluster is formed, one that died is replaced, and the same operator leads all the time."""
    before = lab.leader()
    with jumping(wall_clocks):
        cluster.formed()
        with cluster.writer() as writer:
            victim = cluster.roles()["replica"][0]
            victim.process.kill()
            cluster.declared.until_condition("ReplicasInSync", "False")
            cluster.start(1, hosts=[cluster.hosts[victim]], port=victim.port)
            cluster.declared.until_ready()
            writer.wait_written(100)
        hours = {line[5:18] for line in lab.leader_host().operator.process.log.read_text(errors="replace").splitlines()}
        assert len(hours) >= 3, "they did not jump at all"
    writer.assert_never_refused()
    writer.assert_nothing_lost()
    cluster.assert_whole()
    cluster.audit().assert_fenced()
    assert lab.leader() == before, "nobody lost the lead"


def test_066_clocks_run_at_different_rates(lab, restart, cluster):
    """The leader's is 5 % slow, so its lease seems to last; those of its successors are 5 % fast, so they hardly wait."""
    for host in lab.hosts:
        host.operator.process.stop()
    slow, *fast = lab.hosts
    restart(slow, bent_clock(ROP_CLOCK_RATE="0.95"))
    assert lab.until_one_leads() is slow
    for host in fast:
        restart(host, bent_clock(ROP_CLOCK_RATE="1.05"))
    held_up = cluster.start(6)[0].process  # Nothing is complete without it: there is something to write all the time.
    cluster.declare()
    cluster.declared.until_record("forming", lambda record: record.get("state") == "forming")
    held_up.signal(signal.SIGSTOP)
    assert cluster.declared.record()["state"] == "forming", "too late to tell anything"
    slow.link.drop(f"ip daddr {slow.address} tcp dport {HTTP}", "output")
    deadline = time.monotonic() + 20
    while not any(is_leading(host) for host in fast):
        assert time.monotonic() < deadline, "nobody else leads"
    assert not is_leading(slow), "asked after the other one: its lease was over before"
    held_up.signal(signal.SIGCONT)
    cluster.declared.until_ready()
    cluster.assert_whole()
    cluster.audit().assert_fenced()


def is_leading(host) -> bool:
    return gauge(host.operator, "redis_operator_leading") == 1

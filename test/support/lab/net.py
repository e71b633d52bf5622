"""A network of our own: hosts as network namespaces on one bridge, and links between them that fail as told.

enter() puts the calling process into a network and a mount namespace of its own (and a user namespace, when it has to),
before anything is made: nothing of the machine is touched, and everything vanishes with the processes.
"""

import ctypes
import json
import os
import socket
import subprocess

from .process import StartFailed, wait_until

_libc = ctypes.CDLL(None, use_errno=True)
_NEWNS, _NEWUSER, _NEWNET = 0x00020000, 0x10000000, 0x40000000

SUBNET = "10.77.0"


def enter() -> None:
    """Before the process has threads. Nobody leads back."""
    if os.environ.get("ROP_LAB_ENTERED") == str(os.getpid()):
        return
    user, group = os.geteuid(), os.getegid()
    # Root in a container may lack the right, and still may have a user namespace.
    mapped = user != 0 or _libc.unshare(_NEWNS | _NEWNET) != 0
    if mapped and _libc.unshare(_NEWNS | _NEWNET | _NEWUSER) != 0:
        raise StartFailed(f"no namespaces for the lab: {os.strerror(ctypes.get_errno())}; run it as root, or allow "
                          "user namespaces (sysctl kernel.unprivileged_userns_clone)")  # fmt: skip
    if mapped:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"0 {user} 1")
        _write("/proc/self/gid_map", f"0 {group} 1")
    run("mount", "--make-rprivate", "/")
    run("mount", "-t", "tmpfs", "lab", "/run")  # where `ip netns` keeps names
    os.mkdir("/run/netns")
    run("ip", "link", "set", "lo", "up")
    os.environ["ROP_LAB_ENTERED"] = str(os.getpid())


def _write(file: str, text: str) -> None:
    with open(file, "w") as out:
        out.write(text)


def run(*words: str, text: str | None = None) -> str:
    done = subprocess.run(words, input=text, capture_output=True, text=True, timeout=20, check=False)
    if done.returncode != 0:
        raise StartFailed(f"{' '.join(words)}: {done.stderr.strip()}\n{text or ''}")
    return done.stdout


class Link:
    """How one host is wired: its namespace, its address, and the rules by which packets of it are lost.

    A rule holds for packets between this host and another one, seen from this host; the watching side (the tests
    themselves, at the bridge) is never cut off.
    """

    def __init__(self, number: int):
        self.name = f"h{number}"
        self.address = f"{SUBNET}.{number}"
        self._rules: dict[str, list[str]] = {"input": [], "output": []}
        run("ip", "netns", "add", self.name)
        run("ip", "link", "add", f"to-{self.name}", "type", "veth", "peer", "name", "eth0", "netns", self.name)
        run("ip", "link", "set", f"to-{self.name}", "master", "lab", "up")
        for words in (
            ("addr", "add", f"{self.address}/24", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            ("link", "set", "lo", "up"),
        ):
            run("ip", "-n", self.name, *words)
        self._apply()

    def inside(self) -> list[str]:
        """What a command line begins with that runs on this host. No process is added."""
        return ["nsenter", f"--net=/run/netns/{self.name}"]

    def drop(self, rule: str, way: str = "both") -> None:
        """`rule` is nft's match, for instance `tcp dport 8500`; way: input, output or both. Counted, see dropped()."""
        for chain in ("input", "output") if way == "both" else (way,):
            self._rules[chain].append(rule)
        self._apply()

    def cut(self, other: "Link", way: str = "both") -> None:
        """way: output loses what we send to it, input what it sends to us."""
        if way in ("both", "output"):
            self._rules["output"].append(f"ip daddr {other.address}")
        if way in ("both", "input"):
            self._rules["input"].append(f"ip saddr {other.address}")
        self._apply()

    def lose(self, percent: int) -> None:
        """Of everything that is exchanged with any other host, both ways."""
        others = f"{SUBNET}.0/24"
        chance = f"numgen random mod 100 < {percent}"
        self._rules["output"].append(f"ip daddr {others} ip daddr != {{ {self.address}, {SUBNET}.254 }} {chance}")
        self._rules["input"].append(f"ip saddr {others} ip saddr != {{ {self.address}, {SUBNET}.254 }} {chance}")
        self._apply()

    def heal(self) -> None:
        if any(self._rules.values()):
            self._rules = {"input": [], "output": []}
            self._apply()

    def dropped(self) -> int:
        """Packets that the rules in force have dropped."""
        said = json.loads(run(*self.inside(), "nft", "-j", "list", "table", "inet", "lab"))
        rules = [one["rule"] for one in said["nftables"] if "rule" in one]
        return sum(part["counter"]["packets"] for rule in rules for part in rule["expr"] if "counter" in part)

    def until_dropped(self, seconds: float = 10) -> None:
        wait_until(f"a rule of {self.name} drops something", self.dropped, seconds, every=0.005)

    def on_the_way(self, address: str, port: int) -> int:
        """Bytes that processes of this host have sent there and that are not acknowledged."""
        lines = run(*self.inside(), "ss", "-Htna", "dst", f"{address}:{port}").splitlines()
        return sum(int(line.split()[2]) for line in lines)

    def _apply(self) -> None:
        chains = "".join(
            f"  chain {hook} {{\n    type filter hook {hook} priority 0;\n"
            + "".join(f"    {rule} counter drop\n" for rule in rules) + "  }\n"
            for hook, rules in self._rules.items()
        )  # fmt: skip
        text = f"table inet lab {{ }}\ndelete table inet lab\ntable inet lab {{\n{chains}}}\n"
        run(*self.inside(), "nft", "-f", "-", text=text)


def make_bridge() -> None:
    if any(name == "lab" for _, name in socket.if_nameindex()):
        return
    run("ip", "link", "add", "lab", "type", "bridge", "forward_delay", "0")
    run("ip", "addr", "add", f"{SUBNET}.254/24", "dev", "lab")
    run("ip", "link", "set", "lab", "up")


def separate(some: list[Link], others: list[Link]) -> None:
    """No packet between the two groups any more."""
    for one in some:
        for other in others:
            one.cut(other)

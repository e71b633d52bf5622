"""Tables of nodes that are in doubt, disagree, or miss a majority: looked at, and left alone until they are sound again."""

import signal
import time

import redis
from lab.job import stays_so
from lab.process import wait_until

BUS = "17000-27000"  # Of every instance here; see Host.start_redis.
SUBNET = "10.77.0.0/24"


def test_076_majority_of_the_primaries_dies_and_comes_back(lab, cluster):
    """Without a majority Redis elects nobody, and nobody is put in their place: said, until they are back."""
    durable = {"appendonly": "yes", "appendfsync": "no"}
    cluster.formed(settings=durable)
    with cluster.witness() as witness:
        witness.write()
    audit, epochs = cluster.audit().now(), cluster.epochs()
    members = cluster.declared.record()["members"]
    dead = cluster.roles()["primary"][:2]
    for server in dead:
        server.process.kill()
    said = cluster.declared.until("Down", lambda status: status["phase"] == "Down")
    assert all(f"{server.address}:{server.port}" in str(said) for server in dead)
    stays_so("nobody takes over", lambda: len(cluster.roles()["primary"]) == 1, 4)  # Two node timeouts.
    audit.assert_untouched()
    assert cluster.declared.record()["members"] == members
    for server in dead:
        cluster.start(1, hosts=[cluster.hosts[server]], port=server.port, folder=server.folder, keep_data=True,
                      settings=durable)  # fmt: skip
    cluster.declared.until_ready()
    cluster.assert_whole()
    assert cluster.epochs() == epochs
    with cluster.witness() as witness:
        witness.read()
    cluster.audit().assert_fenced()


def counted(status: dict) -> tuple[int, int, int]:
    """Shards, instances, slots that are served."""
    return len(status["shards"]), len(status["instances"]), status["slots"]["served"]


def test_086_flags_of_nodes_in_doubt_are_not_miscounted(lab, cluster):
    """One that may not be elected, one in handshake that nobody is, and one that is suspected, then failed."""
    cluster.formed()
    audit = cluster.audit().now()
    unelectable, silent = cluster.roles()["replica"][:2]
    primary = cluster.roles()["primary"][0]
    with redis.Redis(*unelectable.endpoint) as connection, cluster.witness() as witness:
        connection.config_set("cluster-replica-no-failover", "yes")
        flag = "nofailover"
        wait_until("all know", lambda: all(flag in flags(table) for table in witness.tables()), 10)
        stays_so("Ready with it", lambda: cluster.declared.status()["phase"] == "Ready", 1)

        assert primary.ask("CLUSTER", "MEET", primary.address, "6999", "16999") == "OK"
        with cluster.witness([primary]) as one:
            assert "handshake" in flags(one.table())
            while "handshake" in flags(one.table()):
                assert counted(cluster.declared.status()) == (3, 6, 16384)

        silent.process.signal(signal.SIGSTOP)
        rest = [server for server in cluster.servers if server is not silent]
        with cluster.witness(rest) as others:
            wait_until("it is suspected", lambda: "fail?" in flags(others.table()) | flags(others.tables()[1]), 10, 0.005)
            assert counted(cluster.declared.status()) == (3, 6, 16384)
            wait_until("it is failed", lambda: all("fail" in flags(table) for table in others.tables()), 10)
        told = cluster.declared.until_condition("ReplicasInSync", "False")
        assert cluster.identity(silent) in told["message"] or "1" in told["message"]
        stays_so("the others count", lambda: counted(cluster.declared.status()) == (3, 6, 16384), 2)
        assert len(cluster.declared.record()["members"]) == 6
        silent.process.signal(signal.SIGCONT)
        connection.config_set("cluster-replica-no-failover", "no")
    cluster.declared.until_ready()
    cluster.assert_whole()
    audit.assert_untouched()


def flags(table: dict) -> set[str]:
    return set().union(*(row.flags for row in table.values()))


def test_087_tables_disagree_about_an_owner(lab, cluster):
    """A primary's host loses the bus: the others elect its replica, while itself it still claims the slots."""
    cluster.formed()
    with cluster.witness() as witness:
        witness.write()
    primary = cluster.roles()["primary"][0]
    host = cluster.hosts[primary]
    audit, members = cluster.audit().now(), cluster.declared.record()["members"]
    for way, far in (("input", "saddr"), ("output", "daddr")):
        for end in ("sport", "dport"):
            host.link.drop(f"ip {far} {SUBNET} ip {far} != {{ {host.address}, 10.77.0.254 }} tcp {end} {BUS}", way)

    def owners() -> int:
        """Who says of itself that it is a primary with slots."""
        with cluster.witness() as witness:
            return sum("myself" in row.flags and bool(row.slots) for table in witness.tables() for row in table.values())

    wait_until("two of them claim the same slots", lambda: owners() == 4, 20, 0.05)
    cluster.declared.until("it is noticed", lambda status: status["phase"] != "Ready", 20)  # Nothing rings a bell.
    stays_so("both are left as they are", lambda: owners() == 4, 2)
    audit.assert_untouched()
    assert cluster.declared.record()["members"] == members
    host.link.heal()
    cluster.declared.until_ready()
    cluster.assert_whole()
    assert primary in cluster.roles()["replica"], "it follows who was elected"
    with cluster.witness() as witness:
        witness.read()
    cluster.audit().assert_fenced()

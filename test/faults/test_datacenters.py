"""Two datacenters whose Consul servers know of each other, and everything in them has the same name."""

import pytest
from lab.hosted import Hosted
from lab.hosts import Lab
from lab.net import separate
from lab.process import wait_until


@pytest.fixture
def datacenters(tmp_path):
    """One host each, an operator and three instances of the service "twins" on it."""
    labs = []
    try:
        for first, name in ((4, "dc1"), (5, "dc2")):
            labs.append(Lab(tmp_path / name, count=1, first=first, datacenter=name))
        near, far = (lab.hosts[0].consul for lab in labs)
        near.join_far(far)
        clusters = [Hosted(lab, "twins", lab.folder) for lab in labs]
        for cluster in clusters:
            cluster.start(3)
        for asked, there in ((near, "dc2"), (far, "dc1")):
            wait_until(f"{there} can be asked from afar", lambda asked=asked, there=there: seen_from(asked, there) == 3, 20)
        for lab in labs:
            lab.start_operators()
        yield clusters
    finally:
        for lab in labs:
            lab.close()
        for cluster in clusters:
            for server in cluster.servers:
                server.process.kill()


def seen_from(consul, datacenter: str) -> int:
    """How many instances are listed there; none when nobody there answers."""
    try:
        status, entries = consul.call("GET", f"/v1/health/service/twins?dc={datacenter}", timeout=1)
    except OSError:
        return 0
    return len(entries) if status == 200 else 0


def of_its_own(cluster) -> None:
    """Formed of what runs here, by who runs here."""
    cluster.assert_whole(3, 0)
    (host,) = cluster.lab.hosts
    assert {identity.split("/")[0] for identity in cluster.declared.record()["members"]} == {host.name}
    assert {one["instance"].split("/")[0] for one in cluster.declared.status()["instances"]} == {host.name}
    assert cluster.lab.leader()["host"] == host.name


def test_031_same_name_in_another_datacenter(datacenters):
    """The second one is declared while the first one lives: two clusters, two leaders, nobody looks across."""
    near, far = datacenters
    near.declare(primaries=3, replicas=0)
    near.declared.until_ready()
    assert far.declared.record() == {} and far.declared.status() == {}
    far.audit().assert_untouched()
    with near.served_all_along():
        far.declare(primaries=3, replicas=0)
        far.declared.until_ready()
        of_its_own(far)
        far.declared.remove()
        separate([near.lab.hosts[0].link], [far.lab.hosts[0].link])  # Nobody here needs anybody there.
        wait_until("the other one is out of reach", lambda: seen_from(near.lab.hosts[0].consul, "dc2") == 0, 20)
        near.declared.until_ready()
        of_its_own(near)
    for cluster in datacenters:
        cluster.audit().assert_fenced()

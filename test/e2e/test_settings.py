"""What the operator keeps in force at members, and where it gives in."""

from conftest import stays_so
from lab.declared import Declared
from lab.process import wait_until


def test_049_settings_are_kept_and_not_fought_for(start_operator, servers, world, name):
    """Three times they are put right; also by the next leader, who knows of it by the record."""
    operator = start_operator(world.consul.url, "", "--resync", "500ms").wait()
    cluster = Declared(world, servers.name, prefix=f"{name}/", url=operator.url)
    odd, *_ = servers.start(3)
    cluster.put(servers.spec(failover={"nodeTimeout": "7s"}))
    cluster.until_ready()
    with servers.witness([odd]) as witness:
        assert witness.settings("cluster-node-timeout") == {"7000"}
        for times in range(1, 4):
            witness.set("cluster-node-timeout", "9000")
            wait_until("it is put right", lambda: witness.settings("cluster-node-timeout") == {"7000"}, 15)
            noted = cluster.until_record("it is noted", lambda r, n=times: len(r.get("corrections", [])) == n and r)
            assert {one["what"] for one in noted["corrections"]} == {"cluster-node-timeout"}

        operator.process.stop()
        operator = start_operator(world.consul.url, "", "--resync", "500ms").wait()
        again = Declared(world, servers.name, prefix=f"{name}/", url=operator.url)
        witness.set("cluster-node-timeout", "9000")
        condition = again.until_condition("Observed", "False", "SettingContested")
        assert "cluster-node-timeout" in condition["message"] and str(odd.port) in condition["message"]
        stays_so("it is left as it is", lambda: witness.settings("cluster-node-timeout") == {"9000"})

        again.put(servers.spec(failover={"nodeTimeout": "8s"}))
        wait_until("a new wish is tried", lambda: witness.settings("cluster-node-timeout") == {"8000"}, 15)
        again.until_ready()

"""Consul without a leader for a whole minute. In a file of its own, since it does little but wait."""

import signal
import time

from lab.hosted import Hosted
from lab.hosts import gauge
from lab.process import wait_until

MINUTE = 60


def test_018_019_consul_without_a_leader_for_a_minute(lab, cluster, tmp_path):
    """One cluster lives through it without a failed write; another one loses a primary meanwhile, and Redis helps itself."""
    quiet = cluster.formed()
    hurt = Hosted(lab, "hurt", tmp_path / "hurt")
    try:
        hurt.formed()
        with hurt.witness() as witness:
            witness.write()
        quiet_audit, hurt_audit, epochs = quiet.audit().now(), hurt.audit().now(), quiet.epochs()
        leader = lab.leader_host()
        epoch = lab.leader()["epoch"]
        with quiet.writer(pause=0.05) as writer:
            began = time.monotonic()
            for host in lab.others(leader):
                host.consul.process.kill()
            wait_until("nobody leads", lambda: lab.leading() == [], 10)

            victim = hurt.roles()["primary"][0]
            victim.process.kill()
            for host in lab.hosts:
                for some in (quiet, hurt):
                    condition = some.seen_by(host.operator).until_condition("Observed", "False", "StoreUnavailable")
                    assert "nothing is changed" in condition["message"]
            code, text = leader.operator.http("/readyz")
            assert code == 503 and "not ready" in text
            wait_until("Redis has elected the replica", lambda: len(hurt.roles()["primary"]) == 3, 30)
            with hurt.witness() as witness:
                wait_until("and serves", lambda: set(witness.states()) == {"ok"}, 20)
                witness.read()

            while time.monotonic() < began + MINUTE:
                assert lab.leading() == []
                time.sleep(0.5)
            for host in lab.others(leader):
                host.consul.restart()
            lab.wait_whole()
            lab.until_one_leads()
            quiet.declared.until_ready()
            writer.wait_written()
        writer.assert_never_refused()
        writer.assert_nothing_lost()
        quiet_audit.assert_untouched()
        assert quiet.epochs() == epochs
        assert lab.leader()["epoch"] >= epoch

        # What Redis did is adopted, not undone, and who is missing is named.
        hurt.declared.until_condition("SlotsCovered", "True")
        hurt.declared.until_condition("ReplicasInSync", "False", "ReplicasMissing")
        hurt.declared.until_condition("Observed", "False", "ConnectionRefused", hurt.identity(victim))
        hurt_audit.assert_untouched()
        assert gauge(lab.leader_host().operator, "redis_operator_leading") == 1
    finally:
        hurt.close()

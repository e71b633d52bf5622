"""What /metrics serves of a living cluster: all that is documented, as Prometheus' own tool wants it."""

import os
import pathlib
import re
import subprocess
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_metrics_of_a_living_cluster(declared, servers, world):
    servers.start(6)
    declared.put(servers.spec(primaries=3, replicas=1))
    declared.until_ready()
    with urllib.request.urlopen(world.leader_url() + "/metrics", timeout=5) as answer:
        text = answer.read().decode()

    assert f'redis_operator_slots_served{{cluster="{declared.name}"}} 16384' in text
    assert f'redis_operator_instances{{cluster="{declared.name}",kind="replica",outcome="healthy"}} 3' in text
    assert text.count(f'redis_operator_replication_lag_bytes{{cluster="{declared.name}",shard="') == 3

    document = (ROOT / "docs/reference/metrics.md").read_text()
    documented = set(re.findall(r"^\| `(redis_operator_\w+)` \|", document, re.M))
    assert set(re.findall(r"^# TYPE (\S+) ", text, re.M)) == documented

    program = pathlib.Path(os.environ.get("ROP_SERVERS", ROOT / ".cache/servers/bin")) / "promtool"
    told = subprocess.run([program, "check", "metrics"], input=text, capture_output=True, text=True, timeout=60, check=False)
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")

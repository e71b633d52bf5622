"""The dashboard asks for metrics and labels that exist, in a language that Prometheus understands."""
import json
import re

import pytest
from alerts_test import DOCUMENT, ROOT, promtool

DASHBOARD = json.loads((ROOT / "charts/grafana/redis-operator.json").read_text())
QUERIES = [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]]


def documented():
    rows = re.findall(r"^\| `(redis_operator_\w+)` \| (\w+) \|([^|]*)\|", DOCUMENT.read_text(), re.M)
    return {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


@pytest.mark.parametrize("title, query", QUERIES)
def test_it_asks_for_what_there_is(title, query):
    for name, selector in re.findall(r"(redis_operator_\w+)(\{[^}]*\})?", query):
        kind, labels = documented()[name.removesuffix("_bucket")]
        assert name.endswith("_bucket") == (kind == "histogram")
        assert set(re.findall(r"(\w+)[=!]", selector)) <= labels | {"job"}


def test_prometheus_understands_it(tmp_path):
    rules = [
        {"record": f"panel:{at}", "expr": query.replace("$__rate_interval", "5m").replace("$job", "a").replace("$cluster", "b")}
        for at, (_, query) in enumerate(QUERIES)
    ]
    file = tmp_path / "rules.json"  # JSON is YAML, too.
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"{len(rules)} rules found" in promtool("check", "rules", file)


def test_its_panels_do_not_overlap():
    taken = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken and at["x"] + at["w"] <= 24, panel["title"]
        taken |= cells


def test_everything_that_is_measured_is_shown_or_alerted_on():
    shown = set(re.findall(r"redis_operator_\w+?(?=_bucket|\b)", " ".join(query for _, query in QUERIES)))
    elsewhere = {  # Details that one asks for by hand.
        "redis_operator_action_duration_seconds", "redis_operator_epoch", "redis_operator_instance_healthy",
        "redis_operator_instance_states", "redis_operator_watch_failures_total",
    }  # fmt: skip
    assert shown | elsewhere == set(documented())

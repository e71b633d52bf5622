"""The alert rules are sound, fire when they should, speak of metrics that exist, and stand in the document."""
import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]
RULES = ROOT / "charts/prometheus/alerts.yaml"
STORIES = pathlib.Path(__file__).with_name("alert_stories.yaml")
DOCUMENT = ROOT / "docs/reference/metrics.md"


def promtool(*words):
    program = pathlib.Path(os.environ.get("ROP_SERVERS", ROOT / ".cache/servers/bin")) / "promtool"
    told = subprocess.run([program, *map(str, words)], capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout


def rules():
    """alert -> severity, for, expr: as the file writes them, a line each."""
    found = {}
    for block in RULES.read_text().split("- alert: ")[1:]:
        fields = dict(re.findall(r"^ +(expr|for|severity|summary|next): (.+)$", block, re.M))
        found[block.splitlines()[0]] = fields
    return found


def test_they_are_sound():
    assert f"{len(rules())} rules found" in promtool("check", "rules", RULES)


def test_each_fires_when_it_should_and_none_while_all_is_well(tmp_path):
    stories = STORIES.read_text()
    fired = re.findall(r"alertname: (\w+)\n +exp_alerts:", stories)
    quiet = re.findall(r"eval_time: 18m, alertname: (\w+)}", stories)
    assert set(fired) == set(quiet) == set(rules())
    file = tmp_path / "stories.yaml"
    file.write_text(stories.replace("RULES", str(RULES)))
    assert "SUCCESS" in promtool("test", "rules", file)


def test_each_says_what_it_is_and_what_to_do():
    for alert, fields in rules().items():
        assert fields["summary"] and fields["next"], alert


def test_they_speak_of_metrics_that_exist():
    text = DOCUMENT.read_text()
    documented = set(re.findall(r"^\| `(redis_operator_\w+)` \|", text, re.M))
    labels = set(re.findall(r"^\| `(\w+)` \|", text, re.M)) | {"job", "instance"}
    for alert, fields in rules().items():
        used = re.findall(r"redis_operator_\w+", fields["expr"])
        assert used and set(used) <= documented, alert
        named = re.findall(r"(\w+)=\"", fields["expr"]) + re.findall(r"\$labels\.(\w+)", " ".join(fields.values()))
        assert set(named) <= labels, alert


def test_the_document_has_the_same_table():
    rows = re.findall(r"^\| (RedisOperator\w+) \| (\w+) \| (\S*) ?\| `(.+)` \|$", DOCUMENT.read_text(), re.M)
    assert {alert: row for alert, *row in rows} == {
        alert: [fields["severity"], fields.get("for", ""), fields["expr"]] for alert, fields in rules().items()
    }

"""The shipped policies, rule by rule."""

import pathlib
import re
from dataclasses import dataclass

POLICIES = pathlib.Path(__file__).resolve().parents[3] / "manifests/policies"
RULE = re.compile(r'^(?P<resource>\w+) "(?P<name>[^"]*)" \{\s*policy = "(?P<access>\w+)"\s*\}$', re.M)

ACCESS = ("deny", "read", "write")


@dataclass(frozen=True)
class Rule:
    resource: str  # key_prefix, session_prefix, service, ...
    name: str
    access: str  # deny, read or write

    def __str__(self) -> str:
        return f'{self.resource} "{self.name}" {{ policy = "{self.access}" }}'

    def narrows(self, other: "Rule") -> bool:
        """It takes away of what the other one gives: without it there would be more rights, not fewer."""
        return (
            self.resource == other.resource == "key_prefix" and self.name != other.name
            and self.name.startswith(other.name) and ACCESS.index(self.access) < ACCESS.index(other.access)
        )  # fmt: skip


@dataclass(frozen=True)
class Policy:
    """One that lacks something of the shipped one, or nothing."""

    title: str
    rules: tuple[Rule, ...]
    lacks: Rule | None = None

    def text(self, **names: str) -> str:
        """With other names in the place of the shipped ones: key_prefix="a/", service="a"."""
        text = "\n".join(map(str, self.rules))
        return text.replace('"redis-operator/', f'"{names["key_prefix"]}').replace(
            'service "redis-operator"', f'service "{names["service"]}"'
        )


def read_rules(name: str) -> tuple[Rule, ...]:
    text = (POLICIES / name).read_text()
    rules = tuple(Rule(**match.groupdict()) for match in RULE.finditer(text))
    left = [line for line in RULE.sub("", text).splitlines() if line.strip() and not line.startswith("#")]
    assert rules and not left, f"{name}: rules that cannot be read: {left}"
    return rules


def variants(name: str) -> list[Policy]:
    """The shipped one, it without each of its rules that give a right, and it with each right to write lowered to
    reading. A rule that narrows another is left out: without `redis-operator/secrets/` = read the operator lacks nothing, it has
    a right more, to write passwords. That it may read them and not write them is asserted in test/e2e/test_secure.py."""
    rules = read_rules(name)
    made = [Policy("as-shipped", rules)]
    for rule in rules:
        if any(rule.narrows(other) for other in rules):
            continue
        title = f"{rule.resource}-{rule.name}".replace("_", "-").replace("/", "-").strip("-")
        others = tuple(other for other in rules if other != rule)
        made.append(Policy(f"without-{title}", others, rule))
        if rule.access == "write":
            lowered = tuple(Rule(r.resource, r.name, "read") if r == rule else r for r in rules)
            made.append(Policy(f"read-only-{title}", lowered, rule))
    return made

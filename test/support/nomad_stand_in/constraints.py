"""Constraints of a job: which hosts may have an allocation."""

import operator
import re

EQUAL, UNEQUAL = ("=", "==", "is"), ("!=", "not")
COMPARE = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
VERSION_TERM = re.compile(r"(>=|<=|!=|~>|=|>|<)?\s*([0-9.]+)")
KNOWN = (*EQUAL, *UNEQUAL, *COMPARE, "regexp", "is_set", "is_not_set", "set_contains", "version", "semver")


def unsupported(constraint):
    return constraint["Operand"] not in (*KNOWN, "distinct_hosts")


def allow(node, job, group, of_group_here):
    """Whether a host may get one more of the group, of which it has `of_group_here`."""
    every = [*(job["Constraints"] or []), *(group["Constraints"] or [])]
    for task in group["Tasks"]:
        every += task["Constraints"] or []
    return all(_holds(one, node, of_group_here) for one in every)


def _holds(constraint, node, of_group_here):
    operand, wanted = constraint["Operand"], constraint["RTarget"]
    if operand == "distinct_hosts":
        return wanted == "false" or of_group_here == 0
    value = _resolve(constraint["LTarget"], node)
    if operand == "is_set":
        return value is not None
    if operand == "is_not_set":
        return value is None
    if operand in UNEQUAL:
        return value != wanted
    if value is None:
        return False
    if operand in EQUAL:
        return value == wanted
    if operand == "regexp":
        return re.search(wanted, value) is not None
    if operand == "set_contains":
        return {part.strip() for part in wanted.split(",")} <= {part.strip() for part in value.split(",")}
    if operand in ("version", "semver"):
        return all(_version(value, sign or "=", bound) for sign, bound in VERSION_TERM.findall(wanted))
    return COMPARE[operand](value, wanted)


def _resolve(target, node):
    inside = re.fullmatch(r"\$\{(.+)\}", target)
    if not inside:
        return target
    name = inside.group(1)
    if name.startswith("attr."):
        return node["Attributes"].get(name[5:])
    if name.startswith("meta."):
        return node["Meta"].get(name[5:])
    known = {
        "node.unique.id": "ID",
        "node.unique.name": "Name",
        "node.datacenter": "Datacenter",
        "node.class": "NodeClass",
        "node.pool": "NodePool",
    }
    return node.get(known.get(name, ""))


def _version(value, sign, bound):
    def numbers(text):
        found = [int(part) for part in re.findall(r"\d+", text.split("-")[0].split("+")[0])]
        return (found + [0, 0, 0])[:3]

    have, want = numbers(value), numbers(bound)
    if sign == "~>":
        return have >= want and have[: bound.count(".")] == want[: bound.count(".")]
    return {"=": operator.eq, "!=": operator.ne, **COMPARE}[sign](have, want)

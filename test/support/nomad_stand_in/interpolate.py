"""The environment of a task, and `${...}` in arguments, environment, meta, tags and checks, as Nomad's client fills it in."""

import os
import re

REFERENCE = re.compile(r"\$\{([^{}]+)\}")
# Nomad keeps its own and Consul's credentials from tasks; here nothing of either leaks in, so that tests agree everywhere.
HIDDEN = ("NOMAD_", "CONSUL_", "VAULT_", "PYTEST_")


class TaskEnvironment:
    def __init__(self, alloc, node, task, directory):
        self._node = node
        self.variables = _builtin(alloc, node, task, directory)
        self.variables.update(_ports(alloc.ports))
        self.variables.update(_meta(alloc, task))
        for name, value in (task.get("Env") or {}).items():
            self.variables[self.fill(name)] = self.fill(value)

    def process_environment(self):
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(HIDDEN)}
        return {**inherited, **self.variables}

    def fill(self, text):
        """References that nobody knows stay as they are, as in Nomad."""
        return REFERENCE.sub(lambda match: self._look_up(match.group(1).strip(), match.group(0)), str(text))

    def fill_map(self, values):
        return {self.fill(name): self.fill(value) for name, value in (values or {}).items()}

    def _look_up(self, name, unknown):
        if name in self.variables:
            return self.variables[name]
        quoted = re.fullmatch(r'env\[?["\'](.+)["\']\]?', name)
        if quoted:
            return self.variables.get(quoted.group(1), "")
        if name.startswith("attr."):
            return self._node["Attributes"].get(name[5:], unknown)
        if name.startswith("meta."):
            return self._node["Meta"].get(name[5:], unknown)
        if name.startswith("env."):
            return self.variables.get(name[4:], unknown)
        known = {
            "node.unique.id": self._node["ID"],
            "node.unique.name": self._node["Name"],
            "node.datacenter": self._node["Datacenter"],
            "node.class": self._node["NodeClass"],
            "node.pool": self._node["NodePool"],
            "node.region": "global",
        }
        return known.get(name, unknown)


def _builtin(alloc, node, task, directory):
    resources = task["Resources"] or {}
    return {
        "NOMAD_ALLOC_DIR": f"{directory}/alloc",
        "NOMAD_ALLOC_ID": alloc.id,
        "NOMAD_ALLOC_INDEX": str(alloc.number),
        "NOMAD_ALLOC_NAME": alloc.name,
        "NOMAD_CPU_LIMIT": str(resources.get("CPU", 100)),
        "NOMAD_DC": node["Datacenter"],
        "NOMAD_GROUP_NAME": alloc.group["Name"],
        "NOMAD_JOB_ID": alloc.job["ID"],
        "NOMAD_JOB_NAME": alloc.job["Name"],
        "NOMAD_MEMORY_LIMIT": str(resources.get("MemoryMB", 300)),
        "NOMAD_NAMESPACE": "default",
        "NOMAD_REGION": "global",
        "NOMAD_SECRETS_DIR": f"{directory}/{task['Name']}/secrets",
        "NOMAD_SHORT_ALLOC_ID": alloc.id[:8],
        "NOMAD_TASK_DIR": f"{directory}/{task['Name']}/local",
        "NOMAD_TASK_NAME": task["Name"],
    }


def _ports(ports):
    result = {}
    for port in ports:
        label, ip, value = port["Label"], port["HostIP"], port["Value"]
        inside = port["To"] or value
        for prefix in ("NOMAD_IP_", "NOMAD_HOST_IP_"):
            result[prefix + label] = ip
        for prefix in ("NOMAD_PORT_", "NOMAD_ALLOC_PORT_"):
            result[prefix + label] = str(inside)
        result[f"NOMAD_HOST_PORT_{label}"] = str(value)
        for prefix in ("NOMAD_ADDR_", "NOMAD_HOST_ADDR_"):
            result[prefix + label] = f"{ip}:{value}"
    return result


def _meta(alloc, task):
    merged = {**(alloc.job["Meta"] or {}), **(alloc.group["Meta"] or {}), **(task["Meta"] or {})}
    result = {}
    for name, value in merged.items():
        result[f"NOMAD_META_{name}"] = value
        result[f"NOMAD_META_{name.upper()}"] = value
    return result

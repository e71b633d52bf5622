"""An operator with rights of its own: what it does with them, and what it says about those that it lacks."""

import json
import re

from lab.operator import Operator
from lab.process import stop_all
from lab.redis_server import RedisServer

PRIMARIES = 3
WITHIN = 60  # Seconds, for all of a file together, on a machine that does other things as well.


class Try:
    """An operator with a token of its own, and what it needs to form a cluster."""

    def __init__(self, consul, folder, policy, make_token, name="op", begins_with=None):
        """`begins_with`: the policy that its token has at first, when it is another one."""
        self.consul, self.policy = consul, policy
        self.name = f"{name}-{policy.title}"
        self.prefix = f"{self.name}/"
        self.servers = [RedisServer(folder / f"redis-{i}") for i in range(PRIMARIES)]
        self._stirred = False
        self._spec = {"version": 1, "mode": "cluster", "primaries": PRIMARIES, "replicasPerPrimary": 0,
                      "service": f"redis-{self.name}", "allow": ["noReplicas"]}  # fmt: skip
        self.declare()
        token = make_token(self.name, self._text(begins_with or policy))
        arguments = ("--service-name", self.name, "--consul-token-file", str(token))
        self.operator = Operator(folder, consul.url, kv_prefix=self.prefix, args=arguments)

    def _text(self, policy) -> str:
        return policy.text(key_prefix=self.prefix, service=self.name)

    def give(self, policy) -> None:
        """Its token has the rights of another policy from now on."""
        _, policies = self.consul.call("GET", "/v1/acl/policies")
        known = next(one["ID"] for one in policies if one["Name"] == self.name)
        body = {"ID": known, "Name": self.name, "Rules": self._text(policy)}
        status, answer = self.consul.call("PUT", f"/v1/acl/policy/{known}", body)
        assert status == 200, answer

    def declare(self, **more) -> None:
        """What was declared at first, and more."""
        self.consul.put(self.key("spec"), json.dumps({**self._spec, **more}).encode())

    def key(self, document: str) -> str:
        return f"{self.prefix}clusters/cache/{document}"

    def register(self) -> None:
        for server in self.servers:
            server.wait()
            self.consul.register(f"redis-{self.name}", f"{self.name}-{server.port}", server.address, server.port)

    def stir(self) -> None:
        """Something happens to the service: one more check of an instance, or one less."""
        check, server = f"{self.name}-stir", self.servers[0]
        body = {"ID": check, "Name": check, "ServiceID": f"{self.name}-{server.port}", "TTL": "10m", "Status": "passing"}
        self._stirred = not self._stirred
        path = "register" if self._stirred else f"deregister/{check}"
        status, answer = self.consul.call("PUT", f"/v1/agent/check/{path}", body if self._stirred else None)
        assert status == 200, answer

    def status(self) -> dict:
        return json.loads(self.consul.get(self.key("status")) or b"{}")

    def phase(self) -> str:
        return self.status().get("phase", "")

    def said(self) -> str:
        """All that it says to people: its log, /readyz, the conditions."""
        try:
            page = self.operator.http("/readyz")[1] + json.dumps(self.operator.cluster("cache"))
        except OSError:
            page = ""
        log = self.operator.process.log.read_text(errors="replace")
        return (log + page + json.dumps(self.status())).replace('\\"', '"').replace('\\"', '"')

    def names_what_it_lacks(self) -> bool:
        """The resource, a name that the rule is about, and the access: as in a policy."""
        rule = self.policy.lacks
        resource = rule.resource.removesuffix("_prefix")
        for found in re.finditer(rf'lacks {resource}(?:_prefix)? "([^"]*)" = "(\w+)"', self.said()):
            # An operator that may not even read a key asks for that right first.
            is_about = found[1].startswith((self.prefix, f"redis-{self.name}", self.name)) or found[1] == rule.name
            if is_about and (found[2] == rule.access or "without" in self.policy.title):
                return True
        return False

    def slots_assigned(self) -> int:
        return sum("cluster_slots_assigned:0" not in server.ask("CLUSTER", "INFO") for server in self.servers)

    def close(self) -> None:
        stop_all([self.operator.process])
        for server in self.servers:
            server.process.kill()

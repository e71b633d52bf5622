"""Tokens: a management one, and one that may do what manifests/policies/nomad-operator.hcl allows."""

import re

from .server import Refusal

OPEN = ("/v1/status/leader", "/v1/status/peers")
# Capabilities list-jobs (which the recorded token had, and the manifest has no more), read-job, scale-job on the default namespace, and node:read.
OPERATOR_MAY = (
    ("GET", r"/v1/jobs"),
    ("GET", r"/v1/job/.+"),
    ("GET", r"/v1/allocations"),
    ("GET", r"/v1/allocation/.+"),
    ("GET", r"/v1/evaluation/.+"),
    ("GET", r"/v1/deployments?(/.+)?"),
    ("GET", r"/v1/nodes"),
    ("GET", r"/v1/node/.+"),
    ("GET", r"/v1/event/stream"),
    ("GET", r"/v1/acl/token/self"),
    ("POST", r"/v1/job/[^/]+/scale"),
    ("PUT", r"/v1/job/[^/]+/scale"),
    ("GET", r"/v1/var/redis-operator/.+"),
)


class Acl:
    def __init__(self, tokens):
        """`tokens`: {secret: "management" | "operator"}; none at all means that ACLs are off."""
        self._tokens = tokens

    @property
    def enabled(self):
        return bool(self._tokens)

    def role(self, request):
        """Of the token that came with the request; None without one that is known."""
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return self._tokens.get(request.headers.get("X-Nomad-Token") or bearer)

    def check(self, request, path):
        """Raises Refusal for what the token does not allow."""
        if not self._tokens or path in OPEN or path.startswith("/test/"):
            return
        role = self.role(request)
        if role == "management":
            return
        if role == "operator" and any(
            request.method == method and re.fullmatch(pattern, path) for method, pattern in OPERATOR_MAY
        ):
            return
        raise Refusal(403, "Permission denied")


def read_tokens(path):
    """Lines `SECRET role`; so that no secret stands in a command line."""
    tokens = {}
    if path:
        with open(path, encoding="utf-8") as file:
            for line in file:
                secret, _, role = line.strip().partition(" ")
                if secret:
                    tokens[secret] = role.strip() or "management"
    return tokens

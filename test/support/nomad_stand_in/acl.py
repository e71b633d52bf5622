"""Tokens: a management one, and one that may do what manifests/policies/nomad-operator.hcl allows."""

import re

from .server import Refusal

OPEN = ("/v1/status/leader", "/v1/status/peers")
# Capabilities list-jobs, read-job, scale-job on the default namespace, and node:read.
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
)


class Acl:
    def __init__(self, tokens):
        """`tokens`: {secret: "management" | "operator"}; none at all means that ACLs are off."""
        self._tokens = tokens

    @property
    def enabled(self):
        return bool(self._tokens)

    def check(self, request, path):
        if not self._tokens or path in OPEN or path.startswith("/test/"):
            return
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        role = self._tokens.get(request.headers.get("X-Nomad-Token") or bearer)
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

"""A real Consul that asks everybody for a token, with one token for each policy that is tried."""

import pathlib
import sys
import uuid

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))

from lab.consul import Consul  # noqa: E402
from lab.process import stop_all  # noqa: E402

# Everything is forbidden that no policy allows, also to those without a token.
ACCESS_CONTROL = """acl {{ enabled = true default_policy = "deny"
                           tokens {{ master = "{root}" agent = "{root}" }} }}"""


@pytest.fixture(scope="session")
def consul(tmp_path_factory):
    """It is asked by us as one who may do everything."""
    root = str(uuid.uuid4())
    agent = Consul(tmp_path_factory.mktemp("consul"), node="h1", token=root, hcl=ACCESS_CONTROL.format(root=root))
    try:
        yield agent.wait()
    finally:
        stop_all([agent.process])


@pytest.fixture(scope="session")
def make_token(consul, tmp_path_factory):
    """make_token(name, rules): the file with a new token that has this policy."""
    folder = tmp_path_factory.mktemp("tokens")

    def make(name: str, rules: str) -> pathlib.Path:
        status, policy = consul.call("PUT", "/v1/acl/policy", {"Name": name, "Rules": rules})
        assert status == 200, policy
        status, token = consul.call("PUT", "/v1/acl/token", {"Policies": [{"ID": policy["ID"]}]})
        assert status == 200, token
        file = folder / name
        file.write_text(token["SecretID"] + "\n")
        file.chmod(0o600)
        return file

    return make

"""What a secured world consists of: an authority with certificates, tokens in files, the shipped policies behind them."""

import dataclasses
import json
import pathlib
import secrets
import ssl

from .certificates import Authority, Pair
from .process import ROOT

POLICIES = ROOT / "manifests/policies"
# What belongs to those who run Consul and Nomad, and is therefore not shipped.
NOMAD_CLIENT_RULES = """
agent_prefix "" { policy = "read" }
node_prefix "" { policy = "read" }
service_prefix "" { policy = "write" }
"""
SECRET_RULES = 'key_prefix "redis-operator/secrets/" { policy = "write" }'


class Security:
    """Everything is in files of one folder that only its owner may enter."""

    def __init__(self, folder: pathlib.Path, addresses: list[str]):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        self.folder = folder
        self.authority = Authority(folder / "tls")
        # One for all servers; Consul's agents ask each other for the name server.<datacenter>.consul.
        self.server: Pair = self.authority.issue(
            "server", ("localhost", "server.dc1.consul", "server.global.nomad"), tuple(addresses)
        )
        self.redis: Pair = self.authority.issue("redis", ("redis.cache",), ())
        self.operator: Pair = self.authority.issue("operator", ("redis-operator",), ())
        self.tokens: dict[str, str] = {}
        self.root_token = self.add_token("consul-root")
        self.nomad_root_token = self.add_token("nomad-root")
        self.listener_token = self.add_token("listener")
        self.redis_password = self.add_token("redis-password")
        self.add_token("redis-operator-password")

    def add_token(self, name: str, secret: str = "") -> str:
        """A new secret in a file of its own; without one given, one like a UUID."""
        text = secret or "-".join(secrets.token_hex(size) for size in (4, 2, 2, 2, 6))
        self.tokens[name] = text
        self.put(name, text + "\n")
        return text

    def file(self, name: str) -> pathlib.Path:
        return self.folder / name

    def put(self, name: str, text: str) -> pathlib.Path:
        file = self.file(name)
        file.touch(mode=0o600)
        file.write_text(text)
        return file

    def client_context(self) -> ssl.SSLContext:
        """For a client that trusts the authority, and has a certificate of its own."""
        context = ssl.create_default_context(cafile=str(self.authority.ca))
        context.load_cert_chain(self.operator.cert, self.operator.key)
        return context

    def redis_config(self) -> pathlib.Path:
        """The shipped example, with passwords."""
        text = (ROOT / "manifests/examples/redis-secrets.conf").read_text()
        text = text.replace("CLIENT_PASSWORD", self.redis_password)
        return self.put("redis.conf", text.replace("OPERATOR_PASSWORD", self.tokens["redis-operator-password"]))

    def spec(self) -> dict:
        """The shipped example, with this world's files."""
        spec = json.loads((ROOT / "manifests/examples/secure.json").read_text())
        spec["tls"] = self.redis_tls().spec(serverName=spec["tls"]["serverName"])
        return spec

    def keep_password(self, consul) -> None:
        """Puts the operator's password where the example looks for it, with a token that may do that and nothing else."""
        key = "redis-operator/secrets/cache/password"
        password, token = self.tokens["redis-operator-password"], self.tokens["consul-password-keeper"]
        status, answer = consul.call("PUT", f"/v1/kv/{key}", password.encode(), token=token)
        assert status == 200 and answer is True, answer

    def redis_tls(self) -> "RedisTls":
        return RedisTls(self.authority.ca, self.redis, self.operator)

    def consul_config(self, ports: dict) -> pathlib.Path:
        """Of an agent: TLS for everything, ACLs on, and no secret in its command line."""
        config = {
            "ports": ports,
            "ca_file": str(self.authority.ca),
            "cert_file": str(self.server.cert),
            "key_file": str(self.server.key),
            "verify_incoming_rpc": True,
            "verify_outgoing": True,
            "verify_server_hostname": True,
            "acl": {
                "enabled": True,
                "default_policy": "deny",
                "tokens": {"master": self.root_token, "agent": self.root_token},
            },
        }
        return self.put(f"consul-{ports['https']}.json", json.dumps(config))

    def nomad_tokens(self) -> pathlib.Path:
        """Of the stand-in."""
        lines = f"{self.nomad_root_token} management\n{self.tokens['nomad-operator']} operator\n"
        return self.put("nomad-tokens", lines)

    def make_consul_tokens(self, consul) -> None:
        """The shipped policies, and a token for each."""
        rules = {
            "operator": (POLICIES / "consul-operator.hcl").read_text(),
            "user": (POLICIES / "consul-user.hcl").read_text(),
            "password-keeper": SECRET_RULES,
            "nomad": NOMAD_CLIENT_RULES,
        }
        for name, text in rules.items():
            status, answer = consul.call("PUT", "/v1/acl/policy", {"Name": name, "Rules": text})
            assert status == 200, answer
            body = {"Description": name, "Policies": [{"Name": name}]}
            status, answer = consul.call("PUT", "/v1/acl/token", body)
            assert status == 200, answer
            self.add_token(f"consul-{name}", answer["SecretID"])


@dataclasses.dataclass(frozen=True)
class RedisTls:
    """Of a server, and of its clients, who need a certificate, too."""

    ca: pathlib.Path
    server: Pair
    client: Pair

    def settings(self, port: int) -> dict[str, str]:
        return {
            "port": "0", "tls-port": str(port), "tls-cluster": "yes", "tls-replication": "yes", "tls-auth-clients": "yes",
            "tls-ca-cert-file": str(self.ca), "tls-cert-file": str(self.server.cert), "tls-key-file": str(self.server.key),
        }  # fmt: skip

    def spec(self, **more) -> dict:
        """What a spec says of it."""
        return {"enabled": True, "ca": str(self.ca), "cert": str(self.client.cert), "key": str(self.client.key), **more}

    def context(self) -> ssl.SSLContext:
        """Of a client that believes whoever answers."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.load_cert_chain(self.client.cert, self.client.key)
        return context

    def for_redis_py(self) -> dict:
        """It judges by the authority alone, as redis-cli does."""
        return {"ssl": True, "ssl_ca_certs": str(self.ca), "ssl_certfile": str(self.client.cert),
                "ssl_keyfile": str(self.client.key), "ssl_check_hostname": False}  # fmt: skip

    def for_redis_cli(self) -> list[str]:
        return ["--tls", "--cacert", str(self.ca), "--cert", str(self.client.cert), "--key", str(self.client.key)]


def secret_texts(security: Security) -> dict[str, bytes]:
    """Of everything that must be seen nowhere: by name."""
    found = {name: text.encode() for name, text in security.tokens.items()}
    for name in ("server", "redis", "operator"):
        key = getattr(security, name).key.read_bytes()
        found[f"{name}.key"] = key.splitlines()[1]
    return found

"""The whole operator, with every connection of its own secured. Redis' side is for test/e2e."""

import json
import pathlib

import pytest
import requests

from conftest import NOMAD_TOKEN, SPEC, Shown


def sees_nomad(answer) -> bool:
    """Nomad was asked: it knows no such job, which is all that is wrong."""
    return answer.status_code == 200 and "JobNotFound" in answer.text


def test_every_connection_is_tls(secured, run):
    server, token = secured.authority.issue("listener"), secured.folder / "http-token"
    token.write_text("a-word-for-scrapers\n")
    flags = ["--http-cert-file", server.cert, "--http-key-file", server.key, "--http-token-file", token,
             "--http-client-ca-file", secured.authority.ca]  # fmt: skip
    running = run(secured.environment, *flags, scheme="https")
    own = {"verify": str(secured.authority.ca), "cert": (str(secured.client.cert), str(secured.client.key))}
    bearer = {"headers": {"Authorization": "Bearer a-word-for-scrapers"}}

    ready = running.until("it is ready", "/readyz", lambda got: got.status_code == 200, **own, **bearer)
    assert "epoch 1" in ready.text
    secured.consul.put(f"{running.prefix}clusters/cache/spec", json.dumps(SPEC).encode())
    running.until("it sees Nomad", "/v1/clusters/cache", sees_nomad, **own, **bearer)

    assert running.get("/healthz", **own).status_code == 200
    for page in ("/metrics", "/readyz", "/v1/clusters"):
        refused = running.get(page, **own)
        assert refused.status_code == 401 and refused.headers["WWW-Authenticate"].startswith("Bearer "), page
        assert "Authorization: Bearer TOKEN" in refused.json()["next"]
    token.write_text("another-word\n")
    assert running.get("/metrics", **own, **bearer).status_code == 401
    assert running.get("/metrics", **own, headers={"Authorization": "Bearer another-word"}).status_code == 200
    try:
        running.get("/healthz", verify=str(secured.authority.ca))
        raise AssertionError("a client without a certificate was let in")
    except requests.ConnectionError:
        pass
    assert_told_nowhere(running, "a-word-for-scrapers", "another-word", NOMAD_TOKEN)


def assert_told_nowhere(running, *secrets) -> None:
    command = pathlib.Path(f"/proc/{running.process.pid}/cmdline").read_bytes()
    for secret in secrets:
        assert secret not in running.log.read_text()
        assert secret.encode() not in command


def test_unix_sockets(secured, run):
    environment = {
        "CONSUL_HTTP_ADDR": f"unix://{secured.consul_socket}", "NOMAD_ADDR": f"unix://{secured.nomad_socket}",
        "NOMAD_TOKEN": NOMAD_TOKEN,
    }  # fmt: skip
    running = run(environment)
    running.until("it is ready", "/readyz", lambda got: got.status_code == 200)
    secured.consul.put(f"{running.prefix}clusters/cache/spec", json.dumps(SPEC).encode())
    running.until("it sees Nomad", "/v1/clusters/cache", sees_nomad)


def test_token_files_are_read_anew(secured, run):
    """Both files hold tokens that nobody knows, and later ones that are known."""
    consul_token, nomad_token = secured.folder / "consul-token", secured.folder / "nomad-token"
    consul_token.write_text("9ae8b3a8-58c2-11ef-bb37-325096b39f47\n")
    nomad_token.write_text("9ae8b3a8-58c2-11ef-bb37-325096b39f48\n")
    environment = {key: value for key, value in secured.environment.items() if key != "NOMAD_TOKEN"}
    running = run(environment, "--consul-token-file", consul_token, "--nomad-token-file", nomad_token)
    running.logged("ACL not found")
    assert running.get("/readyz").status_code == 503

    consul_token.write_text("anonymous\n")
    running.until("it is ready", "/readyz", lambda got: got.status_code == 200)
    secured.consul.put(f"{running.prefix}clusters/cache/spec", json.dumps(SPEC).encode())
    running.logged("Permission denied")
    nomad_token.write_text(NOMAD_TOKEN + "\n")
    running.until("it sees Nomad", "/v1/clusters/cache", sees_nomad)


def said_by(done) -> str:
    return done.stdout + done.stderr


def test_what_is_wrong_is_said(secured, ask, product):
    of, foreign = product.of, secured.other.issue("foreign")
    # Nobody gets to a question, so it matters not whose the ports are. That with TLS is Go's as Nomad's own: the stand-in's
    # is asyncio's, which hangs up without an alert.
    plain, go = ({product.address: f"https://127.0.0.1:{port}"} for port in (secured.consul.http_port, secured.consul_https))
    wrong = [
        ({f"{of}_CACERT": secured.other.ca}, "certificate signed by unknown authority"),
        ({f"{of}_CACERT": ""}, "whose certificate is not among this system's authorities"),
        ({f"{of}_TLS_SERVER_NAME": "server.dc1.consul"}, "the certificate is not for server.dc1.consul"),
        ({f"{of}_CLIENT_KEY": secured.other.ca}, "holds no private key"),
        ({f"{of}_CLIENT_KEY": foreign.key}, f"the key in {foreign.key} does not belong to the certificate in"),
        (go | {f"{of}_CLIENT_CERT": "", f"{of}_CLIENT_KEY": ""}, "the peer wants a certificate of its client"),
        (go | {f"{of}_CLIENT_CERT": foreign.cert, f"{of}_CLIENT_KEY": foreign.key},
         f"the peer refuses the certificate in {foreign.cert}"),
        (plain, "the peer does not speak TLS"),
        (product.unencrypted, "begin the address with https://"),
    ]  # fmt: skip
    for changed, words in wrong:
        done = ask(secured.environment | {name: str(value) for name, value in changed.items()}, *product.command)
        assert words in said_by(done) and product.answered not in said_by(done), (changed, said_by(done))
        assert of == "NOMAD" or done.returncode == 1, "without Nomad there is a plan all the same"
    right = ask(secured.environment, *product.command)
    assert right.returncode == 0 and product.answered in said_by(right), said_by(right)


@pytest.mark.parametrize(
    ("when", "words"),
    [({"days": -1}, "has expired: it was valid until 20"), ({"starts_in": 1}, "is not valid before 20")],
    ids=["expired", "not-yet-valid"],
)
def test_certificate_of_another_time_is_called_so(secured, ask, product, when, words):
    with Shown(secured.authority.issue("untimely", **when)) as shown:
        done = ask(secured.environment | {product.address: f"https://127.0.0.1:{shown.port}"}, *product.command)
    assert f"the certificate of (CN = untimely) {words}" in said_by(done), said_by(done)
    assert "the clock right" in said_by(done) and product.answered not in said_by(done)


def test_what_cannot_be_meant_is_refused(secured, ask):
    refused = {"CONSUL_HTTP_SSL": "maybe", "CONSUL_HTTP_SSL_VERIFY": "maybe", "NOMAD_SKIP_VERIFY": "maybe",
               "CONSUL_CLIENT_CERT": "", "NOMAD_CLIENT_CERT": ""}  # fmt: skip
    for variable, value in refused.items():
        done = ask(secured.environment | {variable: value}, "get")
        assert done.returncode == 2 and variable in done.stderr, done.stderr


def test_open_doors_are_named_at_start(secured, run, ask):
    running = run(secured.environment, host="0.0.0.0")
    assert "--http-token-file" in running.logged("everybody may read what is served here")
    token = secured.environment | {"REDIS_OPERATOR_HTTP_TOKEN": "a-word"}
    assert "--http-cert-file" in run(token, host="0.0.0.0").logged("tokens are sent in the clear")
    done = ask(secured.environment, "run", "--http-token-file", secured.folder / "none")
    assert done.returncode == 1 and "cannot be read: No such file" in done.stderr
    done = ask(secured.environment, "run", "--http-cert-file", secured.client.cert)
    assert done.returncode == 2 and "certFile and keyFile must both be set" in done.stderr

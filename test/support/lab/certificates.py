"""Certificates for tests, made by the openssl program. test/support/certificates.hpp is the same for tests in C++."""

import dataclasses
import pathlib
import subprocess
import tempfile
import time


@dataclasses.dataclass(frozen=True)
class Pair:
    """Where a certificate and its key are, in PEM."""

    cert: pathlib.Path
    key: pathlib.Path


def _openssl(*words, text: str = "") -> None:
    done = subprocess.run(["openssl", *map(str, words)], input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"openssl {words[0]}: {done.stderr}"


def _key(path: pathlib.Path) -> None:
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path)
    path.chmod(0o600)


class Authority:
    """A certificate authority of its own: <folder>/<name>-ca.pem."""

    def __init__(self, folder: pathlib.Path, name: str = "lab"):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.name = folder, name
        self.ca, self._key = folder / f"{name}-ca.pem", folder / f"{name}-ca.key"
        _key(self._key)
        _openssl("req", "-x509", "-new", "-key", self._key, "-sha256", "-days", "2", "-subj", f"/CN={name} CA",
                 "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                 "-out", self.ca)  # fmt: skip

    def issue(self, stem: str, names=("localhost",), addresses=("127.0.0.1", "::1"), days: int = 2,
              starts_in: int = 0) -> Pair:  # fmt: skip
        """For server and client; <folder>/<stem>.pem and .key, over what is there. `days` may be negative: expired. It is
        not valid for another `starts_in` days."""
        pair = Pair(self.folder / f"{stem}.pem", self.folder / f"{stem}.key")
        request, extensions = self.folder / f"{stem}.csr", self.folder / f"{stem}.ext"
        _key(pair.key)
        _openssl("req", "-new", "-key", pair.key, "-subj", f"/CN={stem}", "-out", request)
        alternatives = ",".join([f"DNS:{name}" for name in names] + [f"IP:{address}" for address in addresses])
        extensions.write_text(
            "basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\n"
            + (f"subjectAltName={alternatives}\n" if alternatives else "")
        )
        fresh = pair.cert.with_suffix(".new")
        if starts_in:
            self._sign_for_later(request, extensions, fresh, starts_in, days)
        else:
            _openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self._key, "-CAcreateserial", "-sha256",
                     "-days", days, "-extfile", extensions, "-out", fresh)  # fmt: skip
        fresh.rename(pair.cert)
        return pair

    def _sign_for_later(self, request: pathlib.Path, extensions: pathlib.Path, out: pathlib.Path, first: int, days: int):
        """`openssl x509` learns of -not_before in 3.4; `openssl ca` knows all dates, and wants a book of what it signed."""
        with tempfile.TemporaryDirectory(dir=self.folder) as book:
            (pathlib.Path(book) / "index").touch()
            config = pathlib.Path(book) / "ca.conf"
            config.write_text(
                f"[ca]\ndefault_ca=own\n[own]\ndatabase={book}/index\nnew_certs_dir={book}\nrand_serial=yes\n"
                "default_md=sha256\npolicy=any\nunique_subject=no\n[any]\ncommonName=supplied\n"
            )
            moments = [time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + d * 86_400)) for d in (first, first + days)]
            _openssl("ca", "-batch", "-notext", "-config", config, "-in", request, "-cert", self.ca, "-keyfile", self._key,
                     "-startdate", moments[0], "-enddate", moments[1], "-extfile", extensions, "-out", out)  # fmt: skip

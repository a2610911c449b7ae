"""HTTPS by the daemon itself: what is shown, who trusts it, and what is said of files that will not do."""

import base64
import http.client
import re
import shutil
import ssl
from contextlib import closing
from pathlib import Path

import pytest

from backend.config.load import ConfigError, load
from backend.config.model import Config
from backend.http.tls import check_tls, client_context
from tests.support.certificates import make_certificate
from tests.support.commands import Ended, called
from tests.support.daemon import READY_S, SMALL_CAMERA, Daemon

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl for a certificate")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a certificate and its key."""
    directory = tmp_path_factory.mktemp("pair")
    make_certificate(directory)
    return directory


def _config(directory: Path, certificate: str = "cert.pem", key: str = "key.pem") -> Config:
    path = directory / "config.yaml"
    path.write_text(f"server:\n  tls: {{certificate: {certificate}, key: {key}}}\n")
    return load(path, {}, Path("/"))


def test_paths_are_relative_to_the_file_that_names_them(pair: Path) -> None:
    """Like every path of the configuration."""
    config = _config(pair)
    assert config.server.tls is not None
    assert config.server.tls.certificate == pair / "cert.pem"
    check_tls(config)


def test_half_of_a_pair_is_refused_with_its_line(tmp_path: Path) -> None:
    """A certificate without key is no TLS."""
    (tmp_path / "config.yaml").write_text("server:\n  tls: {certificate: cert.pem}\n")
    with pytest.raises(ConfigError, match=r"config.yaml:2: server.tls.key: is required"):
        load(tmp_path / "config.yaml", {}, tmp_path)


def _check(directory: Path, **files: str) -> str:
    with pytest.raises(ConfigError) as refused:
        check_tls(_config(directory, **files))
    assert "cam.example.org" not in str(refused.value)
    return str(refused.value)


def test_what_is_wrong_with_the_files_is_said_in_words(pair: Path, tmp_path: Path) -> None:
    """Missing, something else, of another pair, and with a password: nobody is asked on a terminal."""
    shutil.copytree(pair, tmp_path, dirs_exist_ok=True)
    assert _check(tmp_path, key="none.pem") == "server.tls.key: cannot be read: No such file or directory."
    (tmp_path / "text.pem").write_text("no certificate at all")
    assert "server.tls.certificate: is not PEM" in _check(tmp_path, certificate="text.pem")
    (tmp_path / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    assert "cannot be read. Both must be PEM" in _check(tmp_path, certificate="broken.pem")
    make_certificate(tmp_path / "other")
    assert "belongs to another certificate" in _check(tmp_path, key="other/key.pem")
    make_certificate(tmp_path / "locked", "cam.example.org", "-passout", "pass:secret")
    said = _check(tmp_path, certificate="locked/cert.pem", key="locked/key.pem")
    assert "without a password" in said


class SecureDaemon(Daemon):
    """The daemon with `server.tls`; requests trust exactly its certificate."""

    @property
    def url(self) -> str:
        return super().url.replace("http:", "https:")

    def connect(self) -> http.client.HTTPConnection:
        context = client_context(self.directory / "cert.pem")
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=context)


BINARY = 0x82
"""First byte of a whole binary message (RFC 6455, 5.2)."""
TLS = {"tls": {"certificate": "cert.pem", "key": "key.pem"}}


def test_the_whole_daemon_speaks_https_and_the_command_line_finds_it(pair: Path, tmp_path: Path) -> None:
    """Pages, cookies, WebSockets, ranges; the printed address says so; plain http gets nothing."""
    shutil.copytree(pair, tmp_path, dirs_exist_ok=True)
    with SecureDaemon(tmp_path, [SMALL_CAMERA], server=TLS) as daemon:
        daemon.wait_for_buffer(2)
        said = daemon.log_path.read_text()
        opened = re.search(r"Or open (https://127\.0\.0\.1:\d+)/#code=(\S+)", said)
        assert opened is not None, said
        assert opened[1] == daemon.url
        answer = daemon.post("/api/session", {"code": opened[2]})
        assert "Secure" in answer.headers["set-cookie"]
        assert "strict-transport-security" not in answer.headers
        clip = daemon.post("/api/clips", {"before_seconds": 1, "after_seconds": 0}).json()
        daemon.wait_for_clip(clip["id"])
        part = daemon.get(f"/api/clips/{clip['id']}/download", Range="bytes=4-7")
        assert (part.status, part.body) == (206, b"ftyp")
        _live_over_tls(daemon)
        for command in (["status"], ["playback", "check"]):
            done = _hindsight(daemon, *command)
            assert done.returncode == 0, done.stderr
        plain = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=10)
        with closing(plain), pytest.raises((OSError, http.client.HTTPException)):
            plain.request("GET", "/livez")
            plain.getresponse()
        untrusting = http.client.HTTPSConnection("127.0.0.1", daemon.port, timeout=READY_S)
        with closing(untrusting), pytest.raises(ssl.SSLCertVerificationError):
            untrusting.request("GET", "/livez")


def test_a_renewed_certificate_is_shown_after_a_reload_and_a_broken_one_is_not(
    pair: Path, tmp_path: Path
) -> None:
    """A renewal every two months costs no buffer; a slip in it locks nobody out."""
    shutil.copytree(pair, tmp_path, dirs_exist_ok=True)
    with SecureDaemon(tmp_path, [SMALL_CAMERA], server=TLS) as daemon:
        daemon.wait_for_buffer(2)
        before = _shown(daemon)
        shutil.copy(tmp_path / "key.pem", tmp_path / "kept.pem")
        (tmp_path / "key.pem").write_text("half a key")
        daemon.hang_up()
        daemon.wait(lambda: "server.tls.key: is not PEM" in daemon.log_path.read_text(), 20, "the refusal")
        shutil.copy(tmp_path / "kept.pem", tmp_path / "key.pem")
        assert _shown(daemon) == before
        make_certificate(tmp_path, "new.example.org")
        daemon.hang_up()
        daemon.wait(lambda: _shown(daemon) != before, 20, "the new certificate")
        camera = daemon.get("/api/cameras/front").json()
        assert camera["buffer"]["duration_seconds"] >= 2
        assert camera["counters"]["losses"] == 0


def _shown(daemon: Daemon) -> str:
    return ssl.get_server_certificate(("127.0.0.1", daemon.port), timeout=READY_S)


def _live_over_tls(daemon: Daemon) -> None:
    """Read by hand: aiohttp's client leaves a WebSocket over TLS to be closed by nobody (3.14)."""
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
        "Origin": daemon.url,
    }
    with closing(daemon.connect()) as connection:
        connection.request("GET", "/live/front", headers=headers)
        assert connection.sock is not None
        with connection.sock.makefile("rb") as said:
            assert said.readline() == b"HTTP/1.1 101 Switching Protocols\r\n"
            while said.readline() != b"\r\n":
                pass
            for _ in range(20):
                kind, length = said.read(2)
                if length >= 126:
                    length = int.from_bytes(said.read(2 if length == 126 else 8))
                said.read(length)
                if kind == BINARY:
                    return
    pytest.fail("no piece of the live picture came")


def _hindsight(daemon: Daemon, *command: str) -> Ended:
    return called(*command, "--config", str(daemon.config_path))

"""What a stranger gets whose connection comes from this machine: through a proxy, a tunnel, another account.

The daemon listens on loopback with the defaults. docs/design/threat-model.md names these tests.
"""

import http.client
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.daemon import Daemon, locked_daemon
from tests.support.proxies import ADD_FORWARDED_FOR, PROXIES, program_of, proxy, require_proxy

pytestmark = pytest.mark.slow("real proxies before a real daemon")

NOBODY = 65534
STRANGER = "127.0.0.9"
ASKED = (
    ("GET", "/api/session", None),
    ("GET", "/api/cameras", None),
    ("GET", "/api/cameras/front/frame.jpg", None),
    ("GET", "/metrics", None),
    ("POST", "/api/clips", b'{"before_seconds": 1, "after_seconds": 0}'),
    ("POST", "/api/session/codes", b"{}"),
)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One that trusts no loopback, and believes the proxies of this machine about addresses."""
    with locked_daemon(
        tmp_path_factory.mktemp("daemon"), allowed_hosts=["cam.example.org"], trusted_proxies=["127.0.0.1"]
    ) as started:
        yield started


def _ask(
    port: int, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    # From an address of this machine that is no trusted proxy.
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20, source_address=(STRANGER, 0))
    sent = {"Content-Type": "application/json"} if body else {}
    try:
        connection.request(method, path, body, sent | (headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("name", PROXIES)
def test_a_stranger_behind_a_proxy_on_the_box_gets_nothing(name: str, daemon: Daemon, tmp_path: Path) -> None:
    """Whatever the proxy says of Host, and whether or not it says that it is one."""
    require_proxy(program_of(name))
    with proxy(name, tmp_path / "proxy", daemon.port) as port:
        for host in ("cam.example.org", "localhost", f"127.0.0.1:{daemon.port}"):
            for method, path, body in ASKED:
                status, said = _ask(port, method, path, body, {"Host": host})
                assert status == 401, (host, path, said)


@pytest.mark.parametrize("name", ADD_FORWARDED_FOR)
def test_a_trusted_proxy_names_the_stranger_in_the_log(name: str, daemon: Daemon, tmp_path: Path) -> None:
    """Not the proxy; and not the address that the stranger made up."""
    require_proxy(program_of(name))
    with proxy(name, tmp_path / "proxy", daemon.port) as port:
        made_up = {
            "X-Forwarded-For": "203.0.113.77",
            "Authorization": "Bearer wrong",
            "Host": "cam.example.org",
        }
        before = daemon.log_path.stat().st_size
        assert _ask(port, "GET", "/api/session", None, made_up)[0] in {401, 429}
    logged = daemon.log_path.read_text()[before:]
    assert f"sign-in refused from {STRANGER}: wrong access key" in logged
    assert "203.0.113.77" not in logged


_AS_ANOTHER = """
import http.client, json, pathlib, socket, sys
data_dir, port = pathlib.Path(sys.argv[1]), int(sys.argv[2])
found = {}
connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
connection.request("GET", "/api/session")
found["tcp"] = connection.getresponse().status
for name in ("access_key", "catalogue.sqlite", "runtime/hindsight.sock", "daemon.lock"):
    try:
        if name.endswith(".sock"):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(data_dir / name))
        else:
            (data_dir / name).read_bytes()
        found[name] = "open"
    except OSError as error:
        found[name] = type(error).__name__
print(json.dumps(found))
"""


def _asked_by(prefix: list[str], daemon: Daemon, **options: Any) -> Any:
    # Our Python may lie in a home that is closed to others; the system's comes with what the tests install.
    python = ["/usr/bin/python3", "-I", "-S", "-c", _AS_ANOTHER, str(daemon.data_dir), str(daemon.port)]
    answer = subprocess.run(
        [*prefix, *python], capture_output=True, text=True, check=False, cwd="/", **options
    )
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
def test_another_account_of_the_box_gets_nothing(daemon: Daemon) -> None:
    """Neither by the port, nor by the Unix socket, nor from the files."""
    daemon.directory.chmod(0o755)
    found = _asked_by([], daemon, user=NOBODY, group=NOBODY, extra_groups=[])
    assert found.pop("tcp") == 401
    assert set(found.values()) == {"PermissionError"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a container of its own")
def test_a_container_that_shares_the_network_gets_nothing(daemon: Daemon) -> None:
    """As a sidecar does: root there, on our loopback, with files and processes of its own."""
    alone = ["unshare", "--mount", "--pid", "--fork", "sh", "-c"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this root may make no namespaces")
    hidden = f'mount -t tmpfs none "{daemon.directory}" && exec "$@"'
    found = _asked_by([*alone, hidden, "container"], daemon)
    assert found.pop("tcp") == 401
    assert set(found.values()) == {"FileNotFoundError"}

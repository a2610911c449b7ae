"""Real proxies on loopback, as people put them before a daemon: with their defaults, or as in deploy/.

Each is a process of its own that ends with its context.
"""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.daemon import free_port

_NGINX = """daemon off; pid {folder}/pid; error_log {folder}/err; worker_processes 1; events {{}}
http {{ access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
server {{ listen 127.0.0.1:{own}; location / {{ proxy_pass http://127.0.0.1:{to}; {more} }} }} }}
"""
_FORWARDING = "proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"
_HAPROXY = """defaults
 mode {mode}
 timeout connect 5s
 timeout client 30s
 timeout server 30s
{more}
listen f
 bind 127.0.0.1:{own}
 server s 127.0.0.1:{to}
"""
_CADDY = """{{
 admin off
 auto_https off
}}
http://:{own} {{
 bind 127.0.0.1
 reverse_proxy 127.0.0.1:{to}
}}
"""

Command = Callable[[Path, int, int], list[str]]


def _nginx(more: str) -> Command:
    def command(folder: Path, own: int, to: int) -> list[str]:
        (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, own=own, to=to, more=more))
        return ["nginx", "-e", str(folder / "err"), "-c", str(folder / "nginx.conf")]

    return command


def _haproxy(mode: str, more: str = "") -> Command:
    def command(folder: Path, own: int, to: int) -> list[str]:
        (folder / "haproxy.cfg").write_text(_HAPROXY.format(mode=mode, own=own, to=to, more=more))
        return ["haproxy", "-db", "-f", str(folder / "haproxy.cfg")]

    return command


def _caddy(folder: Path, own: int, to: int) -> list[str]:
    (folder / "Caddyfile").write_text(_CADDY.format(own=own, to=to))
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


def _socat(folder: Path, own: int, to: int) -> list[str]:
    return ["socat", f"TCP-LISTEN:{own},bind=127.0.0.1,fork,reuseaddr", f"TCP:127.0.0.1:{to}"]


PROXIES: dict[str, Command] = {
    "nginx, bare proxy_pass": _nginx(""),
    "nginx, Host passed on": _nginx("proxy_set_header Host $http_host;"),
    "nginx, as in deploy/": _nginx(_FORWARDING),
    "caddy": _caddy,
    "haproxy, mode http": _haproxy("http"),
    "haproxy, option forwardfor": _haproxy("http", " option forwardfor"),
    "haproxy, mode tcp": _haproxy("tcp"),
    "socat": _socat,
}
ADD_FORWARDED_FOR = ("nginx, as in deploy/", "caddy", "haproxy, option forwardfor")


def program_of(name: str) -> str:
    """The program that must be installed for this one."""
    return name.partition(",")[0]


@contextmanager
def proxy(name: str, folder: Path, port: int) -> Iterator[int]:
    """The port of a proxy of that name that leads to `port`."""
    folder.mkdir()
    own = free_port()
    program, *arguments = PROXIES[name](folder, own, port)
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin:/sbin")
    assert found is not None, program
    environ = {"HOME": str(folder), "PATH": "/usr/bin:/bin"}
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen([found, *arguments], stdout=said, stderr=said, env=environ, cwd=folder)
    try:
        _wait_until_open(own, process, folder / "said")
        yield own
    finally:
        process.terminate()
        process.wait(20)


def _wait_until_open(port: int, process: subprocess.Popen[bytes], said: Path) -> None:
    end_s = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert process.poll() is None, said.read_text()
            assert time.monotonic() < end_s, said.read_text()
            time.sleep(0.02)
        else:
            return

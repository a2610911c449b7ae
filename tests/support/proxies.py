"""Real proxies on loopback, as people put them before a daemon: with their defaults, or as in deploy/.

Each is a process of its own that ends with its context.
"""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.components import require
from tests.support.daemon import free_port

_NGINX = """daemon off; pid {folder}/pid; error_log {folder}/err; worker_processes 1; events {{}}
http {{ access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
server {{ listen 127.0.0.1:{own}; location / {{ proxy_pass http://127.0.0.1:{to}; {more} }} }} }}
"""
_NGINX_SERVER = """daemon off; pid {folder}/pid; error_log {folder}/err; worker_processes 1; events {{}}
http {{ access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
log_format path $request_uri; server {{ listen 127.0.0.1:{own};
location / {{ access_log {folder}/outside path; return 404 "another service"; }}
{locations}
}} }}
"""
_SYSTEM_PATH = "/usr/sbin:/usr/local/sbin:/sbin"
"""Where Debian puts them, and the PATH of an ordinary user does not lead."""
_DEPLOY = Path(__file__).parents[2] / "deploy"
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


def require_proxy(program: str) -> Path:
    """Where it is; a test that needs one that is not installed is skipped, which fails under CI=true."""
    line = f"apt-get install {'nginx-light' if program == 'nginx' else program}"
    return require(program, line, _found(program))


def _found(program: str) -> str | None:
    return shutil.which(program) or shutil.which(program, path=_SYSTEM_PATH)


@contextmanager
def proxy(name: str, folder: Path, port: int) -> Iterator[int]:
    """The port of a proxy of that name that leads to `port`."""
    with _running(folder, lambda own: PROXIES[name](folder, own, port)) as own:
        yield own


@contextmanager
def below(program: str, folder: Path, ports: Mapping[str, int], *, strips: bool = True) -> Iterator[int]:
    """The port of a proxy that shows daemons below paths, with the samples in deploy/.

    `ports`: that of the daemon by its path. `strips`: whether the path is taken off the requests.
    """
    with _running(folder, lambda own: _BELOW[program](folder, own, ports, strips)) as own:
        yield own


def _sample(name: str, path: str, port: int) -> str:
    """The sample for another path and port."""
    text = (_DEPLOY / name).read_text()
    assert "/hindsight" in text
    assert "127.0.0.1:8080" in text
    return text.replace("/hindsight", path).replace("127.0.0.1:8080", f"127.0.0.1:{port}")


def _without(part: str, text: str, instead: str = "") -> str:
    assert part in text, part
    return text.replace(part, instead)


def _nginx_below(folder: Path, own: int, ports: Mapping[str, int], strips: bool) -> list[str]:
    locations = []
    for path, port in ports.items():
        location = _sample("nginx-subpath.conf", path, port)
        locations.append(location if strips else _without(f":{port}/;", location, f":{port};"))
    (folder / "nginx.conf").write_text(
        _NGINX_SERVER.format(folder=folder, own=own, locations="\n".join(locations))
    )
    return ["nginx", "-e", str(folder / "err"), "-c", str(folder / "nginx.conf")]


def _caddy_below(folder: Path, own: int, ports: Mapping[str, int], strips: bool) -> list[str]:
    sites = []
    for path, port in ports.items():
        site = _sample("Caddyfile-subpath", path, port).partition("home.example.org {")[2].rpartition("}")[0]
        sites.append(site if strips else _without("handle_path", site, "handle"))
    (folder / "Caddyfile").write_text(
        f"{{\n admin off\n auto_https off\n}}\nhttp://:{own} {{\n bind 127.0.0.1\n{''.join(sites)}}}\n"
    )
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


def _haproxy_below(folder: Path, own: int, ports: Mapping[str, int], strips: bool) -> list[str]:
    front, backs = "", ""
    for number, (path, port) in enumerate(ports.items()):
        sample = _sample("haproxy-subpath.cfg", path, port).replace("hindsight if", f"hindsight{number} if")
        begin, _, back = sample.partition("\nbackend hindsight\n")
        begin, _, use = begin.partition("    use_backend")
        front = front or begin
        front += f"    use_backend{use}"
        if not strips:
            rewriting = f"    http-request replace-path {path}/(.*) /\\1\n"
            back = _without(rewriting, back)
        backs += f"\nbackend hindsight{number}\n{back}"
    secure = "bind :443 ssl crt /etc/haproxy/home.example.org.pem"
    (folder / "haproxy.cfg").write_text(_without(secure, front, f"bind 127.0.0.1:{own}") + backs)
    return ["haproxy", "-db", "-f", str(folder / "haproxy.cfg")]


_BELOW = {"nginx": _nginx_below, "caddy": _caddy_below, "haproxy": _haproxy_below}
BELOW = tuple(_BELOW)


@contextmanager
def _running(folder: Path, command: Callable[[int], list[str]]) -> Iterator[int]:
    folder.mkdir()
    own = free_port()
    program, *arguments = command(own)
    found = _found(program)
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

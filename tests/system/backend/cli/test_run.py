"""The command line, as the process a person starts."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from backend.cli.exits import Exit
from tests.support.cameras.fake_v4l2.camera import without_cameras
from tests.support.commands import Ended, called, clean_environ, process
from tests.support.daemon import ROOT, free_port

pytestmark = pytest.mark.slow("each test starts a daemon as a person does")

CANARY = "canary-31ce"


def _run(cwd: Path, *arguments: str, **environ: str) -> Ended:
    """`run` takes signals and the log for itself, and so has a process of its own."""
    run = process if arguments[0] == "run" else called
    return run(*arguments, cwd=cwd, environ=without_cameras() | environ)


@contextmanager
def _daemon(
    cwd: Path, stdin: int | None = None, **environ: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running daemon on a free port, and the address it printed."""
    environ = {"HINDSIGHT_SERVER__PORT": "0", "HINDSIGHT_SERVER__HOST": "127.0.0.1"} | environ
    command = [sys.executable, "-m", "backend", "run"]
    with (cwd / "stderr").open("w") as errors:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=clean_environ(without_cameras() | environ) | {"PYTHONPATH": str(ROOT)},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        yield process, _opened(process, cwd)
    finally:
        process.kill()
        process.communicate()


def _opened(process: subprocess.Popen[str], cwd: Path) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Open "):
            return line.split()[1]
    pytest.fail((cwd / "stderr").read_text())


def _wait_for_log(cwd: Path, words: str) -> None:
    deadline = time.monotonic() + 30
    while words not in (said := (cwd / "stderr").read_text()):
        assert time.monotonic() < deadline, said
        time.sleep(0.05)


def _wait_for_frames(cwd: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        said: dict[str, Any] = json.loads(_run(cwd, "status", "--json").stdout)
        if said["cameras"][0]["buffer"]["duration_seconds"] > 1:
            return
        time.sleep(0.2)
    pytest.fail("the buffer did not fill")


def test_run_status_record_list_and_fsck_work_together(tmp_path: Path) -> None:
    """The whole way of a person with a terminal; the second daemon is refused, SIGTERM ends the first."""
    with _daemon(tmp_path) as (process, address):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", address)
        _wait_for_frames(tmp_path)
        recorded = _run(tmp_path, "record", "--before", "1", "--after", "0", "--wait", "--json")
        clip = json.loads(recorded.stdout)
        assert (recorded.returncode, clip["status"]) == (0, "draft")
        assert clip["id"] in _run(tmp_path, "clips", "list").stdout
        refused = _run(tmp_path, "record", "--before", "-1")
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "before_seconds" in refused.stderr
        second = _run(tmp_path, "run")
        assert second.returncode == 75
        assert str(process.pid) in second.stderr
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    checked = _run(tmp_path, "fsck", "--level", "hash", "--json")
    assert (checked.returncode, json.loads(checked.stdout)["ok"]) == (0, True)
    assert _run(tmp_path, "status").returncode == 69


def test_the_key_is_never_printed_unasked_and_can_be_shown_and_replaced(tmp_path: Path) -> None:
    """The first start prints a code that works once; a log that is kept collects no key."""
    with _daemon(tmp_path) as (process, address):
        assert process.stdout is not None
        printed = process.stdout.readline() + process.stdout.readline()
        key = _run(tmp_path, "key", "show").stdout.strip()
        assert (tmp_path / "data" / "access_key").stat().st_mode & 0o777 == 0o600
        assert re.search(rf"Or open {address}/#code=[\w-]{{32}}\nIt works once, for 10 minutes", printed)
        assert key not in printed + (tmp_path / "stderr").read_text()
    with _daemon(tmp_path) as (process, _):
        assert process.stdout is not None
        new = _run(tmp_path, "key", "new").stdout.strip()
        assert new != key
        assert _run(tmp_path, "status").returncode == 0
        process.send_signal(signal.SIGTERM)
        assert "#" not in process.stdout.read()


def test_open_prints_what_signs_another_browser_in_once(tmp_path: Path) -> None:
    """Over the Unix socket, so that nobody types a key; by the code, or by the link."""
    with _daemon(tmp_path) as (_, address):
        made = json.loads(_run(tmp_path, "open", "--json").stdout)
        assert made["url"] == f"{address}/#code={made['url'].rpartition('=')[2]}"
        assert [_sign_in(address, made["code"].lower().replace("-", " ")) for _ in range(2)] == [200, 401]
        said = _run(tmp_path, "open", "--no-browser").stdout
        code = re.search(r"type this code:  (\S+)", said)
        assert code is not None
        assert _sign_in(address, code[1]) == 200


_BROWSER = """#!{python}
import json, pathlib, re, sys, urllib.parse, urllib.request
page = pathlib.Path(urllib.parse.urlsplit(sys.argv[1]).path)
link = re.search('url=([^\"]+)', page.read_text())[1]
address, _, code = link.partition("/#code=")
body = json.dumps({{"code": code, "device": "A browser"}}).encode()
sent = urllib.request.Request(address + "/api/session", body, {{"Content-Type": "application/json"}})
with urllib.request.urlopen(sent, timeout=20) as answer:
    pathlib.Path({found!r}).write_text(json.dumps([sys.argv[1], oct(page.stat().st_mode & 0o777), code]))
"""


def test_open_signs_the_browser_of_this_machine_in(tmp_path: Path) -> None:
    """By a file that only its user reads: a command line is seen by every account."""
    browser, found = tmp_path / "browser", tmp_path / "found"
    browser.write_text(_BROWSER.format(python=sys.executable, found=str(found)))
    browser.chmod(0o755)
    with _daemon(tmp_path):
        ended = process("open", cwd=tmp_path, environ=without_cameras() | {"BROWSER": str(browser)})
        assert ended.returncode == 0, ended.stderr
        assert "The browser is signed in." in ended.stdout
        argument, mode, code = json.loads(found.read_text())
        assert mode == "0o600"
        assert code not in argument
        assert not Path(argument.removeprefix("file://")).exists()


def _sign_in(address: str, code: str) -> int:
    body = json.dumps({"code": code}).encode()
    request = urllib.request.Request(
        f"{address}/api/session", data=body, headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_password_in_the_camera_address_appears_in_no_log_and_no_listing(tmp_path: Path) -> None:
    """Not in the log, not in the answers, not in the process list."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    source = f"rtsp://admin:{CANARY}@127.0.0.1:{port}/x?token={CANARY}"
    with _daemon(tmp_path, VIDEO_SOURCE=source, HINDSIGHT_LOG_LEVEL="debug") as (process, _):
        deadline = time.monotonic() + 20
        while "reconnecting" not in (said := _run(tmp_path, "status", "--json").stdout):
            assert time.monotonic() < deadline
        assert CANARY not in said
        assert CANARY not in Path(f"/proc/{process.pid}/cmdline").read_text()
    assert CANARY not in (tmp_path / "stderr").read_text()
    printed = _run(tmp_path, "config", "print", VIDEO_SOURCE=source)
    assert CANARY not in printed.stdout
    assert yaml.safe_load(printed.stdout)["cameras"][0]["source"].startswith("rtsp://***@127.0.0.1")


def test_a_mistake_in_the_configuration_ends_with_78_and_names_the_line(tmp_path: Path) -> None:
    """For every command that reads it."""
    (tmp_path / "config.yaml").write_text("server:\n  prot: 8080\n")
    for command in (["config", "check"], ["run"], ["status"], ["key", "show"]):
        ended = _run(tmp_path, *command)
        assert (ended.returncode, ended.stdout) == (78, "")
        assert "config.yaml:2: server.prot: unknown key. Did you mean 'server.port'?" in ended.stderr
        assert "Traceback" not in ended.stderr


def test_a_script_reads_from_a_check_of_the_configuration_what_people_read(tmp_path: Path) -> None:
    """JSON on stdout, of a good configuration and of a bad one; the exit code is the same as ever."""
    good = _run(tmp_path, "config", "check", "--json")
    assert json.loads(good.stdout) == {
        "ok": True,
        "cameras": ["synthetic"],
        "data_dir": str(tmp_path / "data"),
        "warnings": [],
    }
    bad = _run(tmp_path, "config", "check", "--json", HINDSIGHT_SERVER__PROT="1")
    assert bad.returncode == 78
    assert json.loads(bad.stdout) == {
        "ok": False,
        "mistakes": ["HINDSIGHT_SERVER__PROT: server.prot: unknown key. Did you mean 'server.port'?"],
    }


def test_an_address_that_is_none_is_wrong_usage_and_one_where_nobody_is_says_so(tmp_path: Path) -> None:
    """Sentences, never a traceback."""
    wrong = _run(tmp_path, "status", "--url", "nonsense")
    assert (wrong.returncode, "must be an address such as" in wrong.stderr) == (2, True)
    nobody = _run(tmp_path, "status", "--url", f"http://127.0.0.1:{free_port()}")
    assert nobody.returncode == 69
    assert "Connection refused. `hindsight run` starts it." in nobody.stderr


def test_a_camera_address_we_do_not_take_ends_with_78_and_says_what_we_take(tmp_path: Path) -> None:
    """Better than a camera that reconnects for ever; the password in it is not repeated."""
    for command in (["config", "check"], ["run"]):
        ended = _run(tmp_path, *command, VIDEO_SOURCE=f"gopher://u:{CANARY}@h/x")
        assert ended.returncode == 78
        assert "cameras[0].source" in ended.stderr
        assert "rtsp://" in ended.stderr
        assert CANARY not in ended.stderr
    assert _run(tmp_path, "config", "check").returncode == 0


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    """For the person who has pressed Ctrl-C and does not want to wait."""
    with _daemon(tmp_path) as (process, _):
        process.send_signal(signal.SIGSTOP)  # both signals are there before it can finish stopping
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGCONT)
        assert process.wait(20) in {128 + signal.SIGINT, 128 + signal.SIGTERM}


def test_a_closed_terminal_ends_it_and_without_one_the_same_signal_reloads(tmp_path: Path) -> None:
    """A daemon tried in a window must not live on unseen; the camera of no configuration is kept."""
    window, terminal = os.openpty()
    with _daemon(tmp_path, stdin=terminal) as (process, _):
        os.close(terminal)
        process.send_signal(signal.SIGHUP)
        _wait_for_log(tmp_path, "Configuration reloaded; cameras: as they were.")
        os.close(window)
        process.send_signal(signal.SIGHUP)
        assert process.wait(20) == 0


def test_a_password_that_a_reload_brings_is_hidden_as_well(tmp_path: Path) -> None:
    """In the log of that very reload; and a file that is missing now is a mistake, no wish for no camera."""
    file = tmp_path / "config.yaml"
    file.write_text("log_level: debug")
    with _daemon(tmp_path) as (process, _):
        source = f"rtsp://admin:{CANARY}@127.0.0.1:9/x?token={CANARY}"
        file.write_text(f"log_level: debug\ncameras: [{{id: front, source: '{source}'}}]")
        process.send_signal(signal.SIGHUP)
        _wait_for_log(tmp_path, "added front; removed synthetic")
        _wait_for_log(tmp_path, "Camera front is reconnecting")
        file.unlink()
        process.send_signal(signal.SIGHUP)
        _wait_for_log(tmp_path, "nothing was changed")
    assert CANARY not in (tmp_path / "stderr").read_text()


def test_open_pages_do_not_hold_up_the_end(tmp_path: Path) -> None:
    """An event stream has no end of its own."""
    with _daemon(tmp_path) as (process, address):
        port = int(address.rpartition(":")[2])
        key = (tmp_path / "data" / "access_key").read_text().strip()
        with socket.create_connection(("127.0.0.1", port)) as page:
            head = f"GET /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n"
            page.sendall(head.encode())
            assert b"200 OK" in page.recv(100)
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0


def test_an_address_in_use_is_a_sentence_and_75(tmp_path: Path) -> None:
    """The most common reason why a daemon does not start."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = _run(tmp_path, "run", HINDSIGHT_SERVER__HOST="127.0.0.1", HINDSIGHT_SERVER__PORT=port)
    assert ended.returncode == 75
    assert "in use by another program" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_version_is_there_for_scripts(tmp_path: Path) -> None:
    """A bug report begins with it."""
    assert json.loads(_run(tmp_path, "version", "--json").stdout)["version"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["version"], Exit.OK),
        (["fsck"], Exit.FAILED),
        (["frobnicate"], Exit.USAGE),
        (["status", "--url", "http://127.0.0.1:9"], Exit.UNAVAILABLE),
        (["status", "--config", "absent.yaml"], Exit.CONFIG),
    ],
)
def test_each_exit_code_reaches_the_shell(tmp_path: Path, arguments: list[str], code: Exit) -> None:
    """Scripts decide by it. 75 and the codes of signals are shown with `run`, 77 with a wrong key."""
    assert process(*arguments, cwd=tmp_path, environ=without_cameras()).returncode == code


def test_every_command_and_every_exit_code_is_documented(tmp_path: Path) -> None:
    """docs/ref/cli.md is what scripts are written against."""
    text = (ROOT / "docs" / "ref" / "cli.md").read_text()
    for code in Exit:
        assert f"\n| {code.value} |" in text, code
    usage = _run(tmp_path, "--help").stdout
    for command in re.findall(r"^    (\w+)  ", usage, re.MULTILINE):
        assert f"\n| `{command}" in text, command

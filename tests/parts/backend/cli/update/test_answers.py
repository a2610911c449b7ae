"""Which version answers, and why none does."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.cli.exits import CommandFailed, Exit
from backend.cli.update.answers import version_of, wait_until_answers
from backend.config.model import Config
from tests.support.answering import Answering


@pytest.fixture
def answering() -> Iterator[Answering]:
    with Answering(None) as server:
        yield server


def config_for(port: int, data_dir: Path) -> Config:
    return Config.model_validate({"data_dir": str(data_dir), "server": {"host": "127.0.0.1", "port": port}})


def test_a_daemon_that_is_getting_ready_is_waited_for(answering: Answering, tmp_path: Path) -> None:
    """A start may have to finish recordings first."""

    def get_ready() -> None:
        answering.version = "2.0"

    answering.when_not_ready = get_ready
    wait_until_answers(config_for(answering.port, tmp_path), "2.0", lambda: None, 30)


def test_a_daemon_that_is_not_ready_says_what_it_waits_for(answering: Answering, tmp_path: Path) -> None:
    """The reason is the daemon's own."""
    with pytest.raises(CommandFailed, match=r"not ready within 0 s: Waiting for: starting\."):
        wait_until_answers(config_for(answering.port, tmp_path), "2.0", lambda: None, 0)


def test_a_version_that_is_not_said_is_none(answering: Answering, tmp_path: Path) -> None:
    """Another program on the port proves nothing."""
    answering.version = ""
    answering.key = "something"
    with pytest.raises(CommandFailed, match="does not say which version"):
        version_of(config_for(answering.port, tmp_path), 5)


def test_a_daemon_that_hangs_does_not_hang_the_update(tmp_path: Path) -> None:
    """It takes connections and never answers: the time given is over all the same."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        with pytest.raises(CommandFailed, match="does not answer") as failed:
            version_of(config_for(server.getsockname()[1], tmp_path), 0.2)
        assert failed.value.code is Exit.UNAVAILABLE

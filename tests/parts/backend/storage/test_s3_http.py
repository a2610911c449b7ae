"""A slow line is patient work; a store that stands still is noticed."""

import socket
import threading
from collections.abc import Iterator

import pytest
from urllib3.exceptions import HTTPError

from backend.storage.s3_http import PatientPool

BODY = b"x" * (4 * 1024 * 1024)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        # Small, so that what the sender has handed over is what the reader has taken.
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        yield server


def take_slowly(server: socket.socket, pause: threading.Event, pause_s: float) -> None:
    connection, _ = server.accept()
    with connection:
        taken = 0
        while taken < len(BODY) and (piece := connection.recv(64 * 1024)):
            taken += len(piece)
            pause.wait(pause_s)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def test_a_body_may_take_longer_than_connecting_may(listener: socket.socket) -> None:
    """The line is far too slow for the whole body within the time for connecting, and it arrives."""
    pool = PatientPool(connect_s=0.2, stall_s=10)
    never = threading.Event()
    reader = threading.Thread(target=take_slowly, args=(listener, never, 0.01))
    reader.start()
    answer = pool.request("PUT", f"http://127.0.0.1:{listener.getsockname()[1]}/x", body=BODY)
    reader.join(30)
    assert answer.status == 200


def test_a_store_that_takes_nothing_is_given_up(listener: socket.socket) -> None:
    """Half-open: the connection is accepted, and nobody reads."""
    with pytest.raises(HTTPError):
        PatientPool(stall_s=0.2).request(
            "PUT", f"http://127.0.0.1:{listener.getsockname()[1]}/x", body=BODY * 4
        )

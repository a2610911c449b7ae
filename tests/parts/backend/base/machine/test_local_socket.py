"""The Unix socket of a daemon."""

import os
import socket
from pathlib import Path

from backend.base.machine import local_socket


def test_the_socket_is_reached_however_long_the_path_to_it_is(tmp_path: Path) -> None:
    """The kernel takes 107 bytes; a data_dir may be longer."""
    deep = tmp_path / ("a" * 100) / ("b" * 100)
    deep.mkdir(parents=True)
    assert not local_socket.is_socket(deep)
    peers = []
    for _ in range(2):  # what a killed daemon left is replaced
        listener = local_socket.listen_on(deep, None)
        with listener, socket.socket(socket.AF_UNIX) as client, local_socket.short_path(deep) as path:
            client.connect(str(path))
            listener.setblocking(True)
            accepted, _ = listener.accept()
            with accepted:
                peers.append(local_socket.peer_credentials(accepted))
    assert local_socket.is_socket(deep)
    assert {peer.uid for peer in peers} == {os.geteuid()}
    assert all(os.getegid() in peer.gids for peer in peers)
    local_socket.remove(deep)
    assert not local_socket.is_socket(deep)


def test_the_socket_is_open_to_its_owner_and_its_group(tmp_path: Path) -> None:
    """Others cannot even knock."""
    local_socket.listen_on(tmp_path, os.getegid()).close()
    status = (tmp_path / local_socket.NAME).stat()
    assert (status.st_mode & 0o777, status.st_gid) == (0o660, os.getegid())

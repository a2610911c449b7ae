"""One daemon per data_dir."""

import os
from pathlib import Path

import pytest

from backend.base.machine.data_lock import DataDirInUse, DataLock, read_holder


def test_one_data_dir_has_one_holder_who_is_named(tmp_path: Path) -> None:
    """The second is told the first one's process id; when it is gone, the lock is free."""
    lock = DataLock.acquire(tmp_path / "data")
    lock.announce("http://127.0.0.1:1")
    with pytest.raises(DataDirInUse, match=str(os.getpid())):
        DataLock.acquire(tmp_path / "data")
    holder = read_holder(tmp_path / "data")
    assert holder is not None
    assert (holder.pid, holder.url) == (os.getpid(), "http://127.0.0.1:1")
    lock.release()
    assert read_holder(tmp_path / "data") is None
    DataLock.acquire(tmp_path / "data").release()

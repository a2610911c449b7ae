"""Ids order by time, cannot be paths, and a recorder keeps its own."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backend.base.ids import RecorderIdDamaged, is_id, new_id, recorder_id

AN_ID = "01a1fb73-bea1-76a6-a9cf-41f67bb670a7"


def test_ids_ascend_and_never_repeat() -> None:
    """Rows made in one burst keep their order by id alone."""
    made = [new_id() for _ in range(2000)]
    assert made == sorted(set(made))
    assert all(is_id(one) for one in made)


@pytest.mark.parametrize(
    "text",
    ["", "..", "../../etc/passwd", AN_ID.upper(), AN_ID + "\n", AN_ID[:-1], "{" + AN_ID + "}"],
)
def test_only_the_one_spelling_is_an_id(text: str) -> None:
    """What passes may be used as a directory's name."""
    assert is_id(AN_ID)
    assert not is_id(text)


def test_a_recorder_is_named_once(tmp_path: Path) -> None:
    """Restarts, and two starts at once, all get the same id, and nothing else is left behind."""
    data_dir = tmp_path / "data"
    with ThreadPoolExecutor(8) as threads:
        names = set(threads.map(lambda _: recorder_id(data_dir), range(8)))
    assert names == {recorder_id(data_dir)}
    assert [path.name for path in data_dir.iterdir()] == ["recorder_id"]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"somebody\n"])
def test_a_damaged_name_is_never_replaced(tmp_path: Path, content: bytes) -> None:
    """A new id would orphan every row and file of the old one."""
    (tmp_path / "recorder_id").write_bytes(content)
    with pytest.raises(RecorderIdDamaged, match="Restore it"):
        recorder_id(tmp_path)
    assert (tmp_path / "recorder_id").read_bytes() == content

"""Room that is there when a deletion needs it."""

from pathlib import Path

from backend.retention.spare_room import NAME, SIZE_BYTES, SpareRoom


def test_it_takes_real_blocks_and_gives_them_back_once(tmp_path: Path) -> None:
    """A hole in a file would be no room at all; kept twice it is one file."""
    spare = SpareRoom(tmp_path)
    assert not spare.give()
    spare.keep()
    spare.keep()
    assert (tmp_path / NAME).stat().st_blocks * 512 >= SIZE_BYTES
    assert spare.give()
    assert not spare.give()
    assert list(tmp_path.iterdir()) == []

"""Names of pictures never repeat, and tell our files from others."""

from backend.catalogue.values import PreviewInfo, Previews, PreviewSource
from backend.pictures.picture_names import is_ours, new_name, unclaimed
from tests.support.backend.clips import ID, a_clip


def test_a_name_is_used_once_and_known_again() -> None:
    """What a browser or a store keeps under it never becomes wrong."""
    names = [new_name(source, suffix) for source in PreviewSource for suffix in (".jpg", ".png")]
    names += [new_name(PreviewSource.MANUAL, ".png") for _ in range(100)]
    assert len(set(names)) == len(names)
    assert all(is_ours(name) for name in names)
    for name in ("manual.png", "manual-1234567.png", "manual-12345678.png.0a.tmp", "holiday-12345678.jpg"):
        assert not is_ours(name)


def test_only_what_no_row_names_is_unclaimed() -> None:
    """Pictures that were never told of; foreign files are not ours to delete."""
    kept, lost = new_name(PreviewSource.MANUAL, ".png"), new_name(PreviewSource.MANUAL, ".png")
    clip = a_clip(previews=Previews(manual=PreviewInfo(f"{ID}/{kept}", 640, 360)))
    assert unclaimed(clip, [kept, lost, "notes.txt", f"{lost}.0a1b2c3d.tmp"]) == [lost]

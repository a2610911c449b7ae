"""What a file presents is patched in the bytes of its index, in every form these boxes have."""

import struct

import pytest

from recorder.mp4.edit_list import Box, Patch, boxes, matrix_patch, presentation_patches, rotation_of, within
from recorder.mp4.sample_table import tracks
from tests.support.boxes import ONE, Trak, box, moov


def patched(index: bytes, patches: list[Patch]) -> bytes:
    """The index after its patches; they replace bytes and move none."""
    made = bytearray(index)
    for offset, data in patches:
        made[offset : offset + len(data)] = data
    assert len(made) == len(index)
    return bytes(made)


def lengths(index: bytes, wide: bool) -> list[tuple[int, int]]:
    """For the movie its length twice, for each track the lengths in `tkhd` and `elst`."""
    word = ">Q" if wide else ">I"

    def number(at: int) -> int:
        return int(struct.unpack_from(word, index, at)[0])

    whole = Box(b"", 0, len(index))
    movie = number(within(index, whole, b"moov", b"mvhd").start + (24 if wide else 16))
    inside = within(index, whole, b"moov")
    found = [(movie, movie)]
    for trak in boxes(index, inside.start, inside.end):
        if trak.kind == b"trak":
            header, edit = within(index, trak, b"tkhd"), within(index, trak, b"edts", b"elst")
            found.append((number(header.start + (28 if wide else 20)), number(edit.start + 8)))
    return found


@pytest.mark.parametrize("wide", [False, True])
def test_a_length_is_patched_wherever_it_stands(wide: bool) -> None:
    """Movie, track and edit list must agree; clips of many hours have it in 64 bits."""
    index = moov(Trak(wide=wide), wide=wide, more=b"left alone")
    cut = patched(index, presentation_patches(index, 4321))
    assert lengths(cut, wide) == [(4321, 4321)] * 2
    assert [track.length for track in tracks(cut)] == [4321]


def test_sound_is_shortened_to_the_pictures_and_never_made_longer() -> None:
    """A track of sound that ends before the pictures stays as it is."""
    longer, shorter = Trak(b"soun", length=9050), Trak(b"soun", length=4000)
    index = moov(Trak(), longer, shorter)
    cut = patched(index, presentation_patches(index, 9000))
    assert lengths(cut, False) == [(9000, 9000), (9000, 9000), (9000, 9000), (4000, 4000)]
    wide = moov(Trak(wide=True), Trak(b"soun", length=4000, wide=True), wide=True)
    assert lengths(patched(wide, presentation_patches(wide, 9000)), True)[2] == (4000, 4000)


def test_a_length_that_does_not_fit_its_field_is_refused() -> None:
    """Half of a number would be written, and the clip would look short."""
    index = moov(Trak())
    with pytest.raises(ValueError, match="does not fit"):
        presentation_patches(index, 1 << 32)
    wide = moov(Trak(wide=True), wide=True)
    assert lengths(patched(wide, presentation_patches(wide, 1 << 32)), True)[0][0] == 1 << 32


def test_an_edit_list_of_another_form_is_refused() -> None:
    """Two edits have no single length that could be patched."""
    with pytest.raises(ValueError, match="2 entries instead of one"):
        presentation_patches(moov(Trak(edits=2)), 100)


@pytest.mark.parametrize(
    ("index", "missing"),
    [
        (b"", "moov"),
        (box(b"moov"), "mvhd"),
        (moov(Trak()).replace(b"tkhd", b"free"), "tkhd"),
        (moov(Trak()).replace(b"elst", b"free"), "elst"),
    ],
)
def test_an_index_without_a_box_that_is_needed_is_refused_by_name(index: bytes, missing: str) -> None:
    """The message says what is missing."""
    with pytest.raises(ValueError, match=f"no {missing} box"):
        presentation_patches(index, 100)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\0\0\0\x08", "cut off"),
        (struct.pack(">I4s", 7, b"free"), "impossible size"),
        (struct.pack(">I4s", 9, b"free"), "impossible size"),
        (struct.pack(">I4s", 1, b"mdat"), "impossible size"),
        (struct.pack(">I4sQ", 1, b"mdat", 15), "impossible size"),
        (struct.pack(">I4sQ", 1, b"mdat", 17), "impossible size"),
    ],
)
def test_a_malformed_box_is_refused(data: bytes, said: str) -> None:
    """Too small for its header, larger than what is there, or cut off within it."""
    with pytest.raises(ValueError, match=said):
        list(boxes(data, 0, len(data)))


def test_boxes_lie_side_by_side_with_short_and_long_sizes() -> None:
    """A 64-bit size stands behind the kind and moves where the content begins."""
    data = box(b"free", b"abc") + struct.pack(">I4sQ", 1, b"mdat", 18) + b"xy" + box(b"skip")
    found = list(boxes(data, 0, len(data)))
    assert [(one.kind, data[one.start : one.end]) for one in found] == [
        (b"free", b"abc"),
        (b"mdat", b"xy"),
        (b"skip", b""),
    ]


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize(
    ("rotation_deg", "corners"),
    [
        (0, [(0, 0), (320, 0), (0, 48)]),
        (90, [(48, 0), (48, 320), (0, 0)]),
        (180, [(320, 48), (0, 48), (320, 0)]),
        (270, [(0, 320), (0, 0), (48, 320)]),
    ],
)
def test_a_turn_moves_each_corner_to_where_a_player_shows_it(
    rotation_deg: int, corners: list[tuple[int, int]], wide: bool
) -> None:
    """Top left, top right and bottom left, clockwise; and the turn can be read back."""
    index = moov(Trak(wide=wide))
    patch = matrix_patch(index, rotation_deg)
    a, b, _, c, d, _, left, top, _ = struct.unpack(">9i", patch.data)
    moved = [
        ((a * x + c * y + left) // ONE, (b * x + d * y + top) // ONE) for x, y in [(0, 0), (320, 0), (0, 48)]
    ]
    assert moved == corners
    turned = patched(index, [patch])
    tkhd = within(turned, Box(b"", 0, len(turned)), b"moov", b"trak", b"tkhd")
    assert rotation_of(turned, tkhd) == rotation_deg


def test_a_turn_of_less_than_a_quarter_is_refused() -> None:
    """None of our files has one, and its pictures could not be turned without encoding."""
    index = moov(Trak(matrix=(ONE, 5, 0, -5, ONE, 0, 0, 0, 1 << 30)))
    tkhd = within(index, Box(b"", 0, len(index)), b"moov", b"trak", b"tkhd")
    with pytest.raises(ValueError, match="less than a quarter"):
        rotation_of(index, tkhd)

"""The frame that is on show, whatever the order of decoding, and a start that can be decoded from."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from recorder.stills.frame_choice import Choice, FileUnit, choose


@st.composite
def files(draw: st.DrawFn) -> list[FileUnit]:
    """A cut file: closed GOPs of any length with pictures shown out of order, some hidden at both ends."""
    units: list[FileUnit] = []
    at = draw(st.integers(-500, 0))
    for _ in range(draw(st.integers(1, 4))):
        times = [at]
        for _ in range(draw(st.integers(0, 12))):
            times.append(times[-1] + draw(st.integers(1, 200)))
        at = times[-1] + draw(st.integers(1, 200))
        shown = [times[0], *draw(st.permutations(times[1:]))]
        units += [FileUnit(pts, 0, index == 0, hidden=False) for index, pts in enumerate(shown)]
    order = sorted(unit.pts for unit in units)
    delay = max(order[i] - unit.pts for i, unit in enumerate(units))
    end = draw(st.integers(1, 3000))
    return [
        unit._replace(dts=order[i] - delay, hidden=not 0 <= unit.pts < end) for i, unit in enumerate(units)
    ]


@given(files(), st.integers(-100, 4000))
def test_the_chosen_frame_is_the_one_on_show(units: list[FileUnit], wanted: int) -> None:
    """`pts ≤ wanted < the next pts`; before the first one the first, and hidden ones never."""
    visible = sorted(unit.pts for unit in units if not unit.hidden)
    choice = choose(units, wanted)
    if not visible:
        assert choice is None
        return
    assert choice is not None
    on_show = [pts for pts in visible if pts <= wanted]
    assert choice.pts == (on_show[-1] if on_show else visible[0])


@given(files(), st.integers(-100, 4000))
def test_decoding_begins_at_a_keyframe_not_after_the_frame(units: list[FileUnit], wanted: int) -> None:
    """The last such keyframe in decode order, so that as little as possible is decoded."""
    choice = choose(units, wanted)
    if choice is None:
        return
    start = next(unit for unit in units if unit.dts == choice.from_dts and unit.is_keyframe)
    assert start.pts <= choice.pts
    assert not any(unit.is_keyframe and start.pts < unit.pts <= choice.pts for unit in units)


def test_nothing_is_read_behind_what_could_be_on_show() -> None:
    """A clip of hours is not read to its end for its first frame."""

    def endless() -> Iterator[FileUnit]:
        for number in range(1000):
            assert number < 7, "read too far"
            yield FileUnit(number * 10 + 20, number * 10, number == 0, hidden=False)

    assert choose(endless(), 45) == Choice(40, 0)


def test_a_start_behind_the_frame_is_no_start() -> None:
    """A seek by decoding time may land on a keyframe that is shown later than what is wanted."""
    late = [
        FileUnit(100, 60, is_keyframe=True, hidden=False),
        FileUnit(90, 80, is_keyframe=False, hidden=False),
    ]
    assert choose(late, 95) is None


def test_hidden_pictures_are_never_on_show() -> None:
    """A moment before the first shown frame gets that frame, decoded from the hidden keyframe."""
    lead_in = FileUnit(-20, -40, is_keyframe=True, hidden=True)
    shown = [FileUnit(pts, pts - 20, is_keyframe=False, hidden=False) for pts in (0, 20, 40)]
    behind = FileUnit(60, 40, is_keyframe=False, hidden=True)
    assert choose([lead_in, *shown, behind], -5) == Choice(0, -40)
    assert choose([lead_in, *shown, behind], 70) == Choice(40, -40)
    assert choose([lead_in, behind], 10) is None

"""Kinds, their sentences, and which kind the errors of other packages are."""

import errno
from datetime import datetime
from string import Formatter

from backend.catalogue import errors as catalogue_errors
from backend.catalogue.errors import CatalogueError, ClipUnknown, IllegalTransition
from backend.catalogue.lifecycle import Status
from backend.problems.kinds import Kind
from backend.problems.refused import KINDS_OF_ERRORS, Refused, as_refused
from recorder.base import errors as recorder_errors
from recorder.base.errors import RecorderError


def test_every_error_of_the_recorder_and_the_catalogue_has_its_kind() -> None:
    """Only what a start-up can raise, and the roots of the trees, never reach a caller."""
    never_refuses = {
        RecorderError,
        recorder_errors.SpanError,
        CatalogueError,
        catalogue_errors.SchemaTooNew,
    }
    for module, root in ((recorder_errors, RecorderError), (catalogue_errors, CatalogueError)):
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, root) and kind not in never_refuses:
                assert any(issubclass(kind, row[0]) for row in KINDS_OF_ERRORS), kind


def test_a_row_is_never_hidden_behind_a_more_general_one() -> None:
    """The first match wins."""
    for place, (kind, *_) in enumerate(KINDS_OF_ERRORS):
        assert not any(issubclass(kind, earlier[0]) for earlier in KINDS_OF_ERRORS[:place]), kind


def test_an_error_becomes_its_kind_with_what_it_knows() -> None:
    """The sentence is the error's own, or made of its parts; an unforeseen error has none."""
    refused = as_refused(IllegalTransition(Status.DRAFT, Status.PENDING))
    assert refused is not None
    assert refused.detail.startswith("The clip is draft and cannot become pending.")
    assert refused.params == {"status": Status.DRAFT, "wanted": Status.PENDING}
    gone = as_refused(ClipUnknown("id"))
    assert gone is not None
    assert (gone.kind, gone.params) == (Kind.CLIP_GONE, {})
    assert as_refused(refused) is refused
    assert as_refused(ZeroDivisionError()) is None
    full = as_refused(OSError(errno.EMFILE, "Too many open files"))
    assert full is not None
    assert (full.kind, full.retry_after_s) == (Kind.NO_DESCRIPTORS, 2)
    assert as_refused(OSError(errno.EIO, "Input/output error")) is None


def test_the_parameters_of_a_sentence_are_names() -> None:
    """A translation can only name what travels beside the English sentence."""
    for kind in Kind:
        for words in kind.words:
            assert words.strip(), kind
            fields = [name for _, name, _, _ in Formatter().parse(words) if name is not None]
            assert all(name.isidentifier() for name in fields), kind


def test_numbers_and_times_are_written_for_people_and_travel_as_they_are() -> None:
    """`1.95 KiB` in the sentence, 2000 in the parameters."""
    low = Refused(Kind.DISK_ALMOST_FULL, free_bytes=2000, reserve_bytes=4000)
    assert low.detail.startswith("Only 1.95 KiB are free on the disk of the clips, and 3.91 KiB are kept")
    assert low.document(507)["params"] == {"free_bytes": 2000, "reserve_bytes": 4000}
    spent = Refused(
        Kind.CREDITS_SPENT,
        media_type="image",
        cost=1,
        left=1,
        limit=12,
        wait_s=90.0,
        refills_at=datetime(2026, 1, 1),
    )
    assert spent.detail == (
        "A snapshot costs 1 credits, and 1 of 12 is left. There are 12 new ones in 1 minute 30 seconds, at "
        "2026-01-01T00:00:00.000000Z."
    )
    assert spent.document(429)["params"]["refills_at"] == "2026-01-01T00:00:00.000000Z"
    assert "lasts at most 7:00:00" in Refused(Kind.EXTENDED_TOO_FAR, limit_s=7 * 3600.0).detail

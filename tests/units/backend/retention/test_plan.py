"""Who goes, in which order, and when a person is asked first."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.catalogue import Location, RetentionGroup, RetentionRow
from backend.catalogue.lifecycle import UNFINISHED, Status
from backend.retention.plan import (
    Approval,
    ClockFacts,
    DiskFacts,
    Removal,
    RemovalCause,
    RemovalRule,
    RemovalRules,
    clock_facts,
    decide,
    is_due,
    make_plan,
    too_much,
)
from backend.storage.store_state import StoreReach

NOW = datetime(2026, 3, 29, 1, 30)
CLOCK = ClockFacts(NOW)
DOUBTED = ClockFacts(NOW, "nobody knows")
DISK = DiskFacts(free_bytes=10**12)
DAY_S = 86400.0


def row(number: int, **changes: object) -> RetentionRow:
    """A draft of 100 bytes, made `number` days after the first of January."""
    values: dict[str, object] = {
        "number": number,
        "id": str(number),
        "camera": "front",
        "status": Status.DRAFT,
        "keep": False,
        "location": Location.LOCAL,
        "promised": False,
        "size_bytes": 100,
        "dated": datetime(2026, 1, 1) + timedelta(days=number),
    }
    return RetentionRow(**(values | changes))  # type: ignore[arg-type]


def numbers(rows: list[RetentionRow], *rules: RemovalRule) -> list[int]:
    return [one.row.number for one in decide(rows, RemovalRules(rules), CLOCK, DISK)]


ROWS = st.lists(
    st.builds(
        row,
        st.integers(1, 10**6),
        camera=st.sampled_from(["front", "yard"]),
        status=st.sampled_from(Status),
        keep=st.booleans(),
        location=st.sampled_from(Location),
        promised=st.booleans(),
        size_bytes=st.integers(0, 1000),
        dated=st.datetimes(datetime(1970, 1, 1), datetime(2030, 1, 1)),
    ),
    max_size=30,
    unique_by=lambda one: one.number,
).map(lambda rows: [replace(one, size_bytes=0) if one.location is Location.REMOTE else one for one in rows])
RULES = st.builds(
    RemovalRules,
    st.lists(
        st.builds(
            RemovalRule,
            camera=st.sampled_from([None, "front", "yard"]),
            status=st.sampled_from([None, Status.DRAFT, Status.PUBLISHED, Status.FAILED]),
            max_age_s=st.none() | st.floats(60, 1e9),
            max_clips=st.none() | st.integers(1, 20),
            max_bytes=st.none() | st.integers(1, 5000),
        ),
        max_size=4,
    ).map(tuple),
    reserve_bytes=st.integers(0, 5000),
    make_room=st.booleans(),
    hold_above=st.floats(0, 1),
)
CLOCKS = st.builds(
    ClockFacts, st.datetimes(datetime(1969, 1, 1), datetime(2035, 1, 1)), st.none() | st.just("x")
)
DISKS = st.builds(DiskFacts, st.integers(0, 10_000), st.integers(0, 1000), st.sampled_from(StoreReach))


def test_each_limit_takes_the_oldest_of_whom_it_concerns() -> None:
    """Age, count and size, of all, of a camera, of a state."""
    rows = [row(n, camera="yard" if n % 2 else "front") for n in range(1, 9)]
    age_s = (NOW - rows[2].dated).total_seconds()
    assert numbers(rows, RemovalRule(max_age_s=age_s)) == [1, 2]
    assert numbers(rows, RemovalRule(max_clips=5)) == [1, 2, 3]
    assert numbers(rows, RemovalRule(max_bytes=650)) == [1, 2]
    assert numbers(rows, RemovalRule(camera="yard", max_clips=2)) == [1, 3]
    rows[0] = replace(rows[0], status=Status.FAILED)
    assert numbers(rows, RemovalRule(status=Status.FAILED, max_age_s=60)) == [1]
    assert numbers(rows, RemovalRule(max_clips=7), RemovalRule(camera="front", max_clips=3)) == [1, 2]


def test_unpublished_goes_before_published_and_uploaded_before_what_is_nowhere_else() -> None:
    """Then the oldest first, by the order of recording: times are not looked at."""
    rows = [
        row(1, status=Status.PUBLISHED),
        row(2, status=Status.PUBLISHED, location=Location.REMOTE),
        row(3, dated=NOW),
        row(4, location=Location.BOTH),
        row(5, promised=True),
        row(6, dated=datetime(1970, 1, 1)),
        row(7, status=Status.PUBLISHED),
    ]
    assert numbers(rows, RemovalRule(max_clips=1)) == [4, 3, 6, 2, 1, 5]


def test_favourites_and_what_is_not_finished_stay_and_do_not_count() -> None:
    """Ten favourites and a limit of one: a new clip is still kept."""
    rows = [*(row(n, keep=True) for n in range(1, 11)), row(11), row(12, status=Status.PENDING)]
    assert numbers(rows, RemovalRule(max_age_s=60, max_clips=1, max_bytes=100)) == [11]
    assert numbers(rows, RemovalRule(max_clips=1, max_bytes=1)) == []


def test_a_local_copy_goes_before_a_clip_does_and_only_where_the_store_has_it() -> None:
    """Size rules give up copies first; a clip that is remote already frees nothing and stays."""
    rows = [row(1), row(2, location=Location.BOTH), row(3, location=Location.REMOTE, size_bytes=0), row(4)]
    facts = DiskFacts(10**12, store=StoreReach.READY)
    taken = decide(rows, RemovalRules((RemovalRule(max_bytes=150),)), CLOCK, facts)
    assert [(one.row.number, one.removal) for one in taken] == [(2, Removal.RECLAIM), (1, Removal.DELETE)]


def test_a_clip_that_frees_nothing_is_not_deleted_for_room() -> None:
    """Older than all others, but empty: the next one goes."""
    rows = [row(1, size_bytes=0), row(2), row(3)]
    assert numbers(rows, RemovalRule(max_bytes=150)) == [2]


def test_a_size_rule_waits_for_a_store_that_is_away_and_the_reserve_does_not() -> None:
    """A bad hour of the network costs no clip; a month without one does not fill the disk."""
    rows = [row(1), *(row(n, location=Location.BOTH) for n in range(2, 5)), row(5)]
    rules = RemovalRules((RemovalRule(max_bytes=350),), reserve_bytes=400)

    def chosen(free: int, store: StoreReach) -> list[tuple[int, Removal]]:
        return [
            (one.row.number, one.removal) for one in decide(rows, rules, CLOCK, DiskFacts(free, store=store))
        ]

    waiting = [(2, Removal.RECLAIM), (3, Removal.RECLAIM)]
    assert chosen(500, StoreReach.READY) == waiting
    assert chosen(500, StoreReach.AWAY) == waiting
    assert chosen(200, StoreReach.READY) == [*waiting, (4, Removal.RECLAIM)]
    assert chosen(200, StoreReach.AWAY) == [(n, Removal.DELETE) for n in (2, 3, 4)]


def test_the_reserve_takes_what_brings_it_back_and_nothing_when_nothing_would() -> None:
    """A stranger's file that fills the disk does not cost a single clip."""
    rows = [row(n) for n in range(1, 11)]
    rules = RemovalRules(reserve_bytes=400)
    for free, gone in ((500, 0), (499, 1), (300, 2), (0, 5)):
        taken = decide(rows, rules, DOUBTED, DiskFacts(free))
        assert [one.row.number for one in taken] == list(range(1, gone + 1)), free
    assert len(decide(rows, rules, DOUBTED, DiskFacts(0, leaving_bytes=300))) == 2
    helpless = make_plan(rows[:3], rules, None, (DOUBTED, DiskFacts(0)))
    assert (helpless.leaving, helpless.short_bytes) == ((), 400)
    assert decide(rows, replace(rules, make_room=False), DOUBTED, DiskFacts(0)) == []


@pytest.mark.parametrize(
    ("synchronised", "steps", "newest", "trusted"),
    [
        (True, 0, NOW, True),
        (True, 3, NOW + timedelta(days=400), True),
        (False, 0, NOW - timedelta(days=400), True),
        (None, 0, None, True),
        (False, 1, None, False),
        (False, 0, NOW + timedelta(microseconds=1), False),
        (None, 1, NOW, False),
    ],
)
def test_a_clock_is_trusted_when_synchronised_or_never_seen_to_be_wrong(
    synchronised: bool | None, steps: int, newest: datetime | None, trusted: bool
) -> None:
    """No step since the start, never behind the newest row."""
    facts = clock_facts(NOW, synchronised=synchronised, steps=steps, newest=newest)
    assert (facts.doubt is None) is trusted


def test_without_a_trusted_clock_only_ages_rest() -> None:
    """A box without a network never fills up."""
    rows = [row(n) for n in range(1, 9)]
    rules = RemovalRules((RemovalRule(max_age_s=60, max_clips=6),))
    assert [one.cause for one in decide(rows, rules, DOUBTED, DISK)] == [RemovalCause.COUNT] * 2


def test_many_that_an_age_rule_wants_wait_for_a_person_and_the_rest_goes_on() -> None:
    """A clock 400 days ahead; the count rule still takes its one."""
    rows = [row(n) for n in range(1, 21)]
    rules = RemovalRules((RemovalRule(max_age_s=300 * DAY_S, max_clips=19),))
    late = ClockFacts(NOW + timedelta(days=400))
    plan = make_plan(rows, rules, None, (late, DISK))
    assert [one.row.number for one in plan.leaving] == [1]
    assert plan.why_held is not None
    assert "19 of 20 clips" in plan.why_held
    through = make_plan(rows, rules, None, (late, DISK), Approval(through=10))
    assert [one.row.number for one in through.leaving] == list(range(1, 11))
    assert [one.row.number for one in through.held] == list(range(11, 21))


def test_new_settings_that_want_too_much_wait_while_the_old_ones_hold() -> None:
    """A slip of the keyboard costs nothing, and the disk does not fill up meanwhile."""
    rows = [row(n) for n in range(1, 21)]
    slip, before = (
        RemovalRules((RemovalRule(max_clips=1),)),
        RemovalRules((RemovalRule(max_clips=18),)),
    )
    plan = make_plan(rows, slip, before, (CLOCK, DISK))
    assert [one.row.number for one in plan.leaving] == [1, 2]
    assert [one.row.number for one in plan.held] == list(range(3, 20))
    assert plan.holds_settings
    mild = make_plan(rows, RemovalRules((RemovalRule(max_clips=16),)), before, (CLOCK, DISK))
    assert (len(mild.leaving), mild.why_held) == (4, None)


def test_one_clip_never_waits_and_bytes_count_like_clips() -> None:
    """Somebody with two clips and an age rule is not asked each time; a few large ones are many."""
    assert (
        make_plan(
            [row(1), row(2, dated=NOW)], RemovalRules((RemovalRule(max_age_s=60),)), None, (CLOCK, DISK)
        ).held
        == ()
    )
    rows = [row(1, size_bytes=500), row(2, size_bytes=500), *(row(n, dated=NOW) for n in range(3, 13))]
    assert len(make_plan(rows, RemovalRules((RemovalRule(max_age_s=60),)), None, (CLOCK, DISK)).held) == 2


@given(ROWS, RULES, CLOCKS, DISKS)
def test_whatever_the_rules_say_what_must_stay_stays(
    rows: list[RetentionRow], rules: RemovalRules, clock: ClockFacts, disk: DiskFacts
) -> None:
    """No favourite, nothing unfinished, nobody twice; no age without a clock; every limit is kept."""
    taken = decide(rows, rules, clock, disk)
    gone = {one.row.number for one in taken}
    assert len(gone) == len(taken)
    assert not any(one.row.keep or one.row.status in UNFINISHED for one in taken)
    if clock.doubt is not None:
        assert all(one.cause is not RemovalCause.AGE for one in taken)
    for one in taken:
        if one.removal is Removal.RECLAIM:
            assert disk.store is not StoreReach.NONE
            assert one.row.location is Location.BOTH
        if one.cause is RemovalCause.AGE:
            assert any(
                r.max_age_s and (clock.now - one.row.dated).total_seconds() > r.max_age_s for r in rules.rules
            )
    deleted = {one.row.number for one in taken if one.removal is Removal.DELETE}
    for rule in rules.rules:
        left = [one for one in rows if rule.concerns(one) and one.number not in deleted]
        assert rule.max_clips is None or len(left) <= rule.max_clips
        whole = [one.size_bytes for one in left if one.number not in gone]
        assert (
            rule.max_bytes is None
            or sum(whole) <= rule.max_bytes
            or len([size for size in whole if size]) <= 1
        )
    assert (
        decide([one for one in rows if one.number not in gone], rules, clock, replace(disk, free_bytes=10**9))
        == []
    )


@given(ROWS, RULES, CLOCKS, DISKS)
def test_what_the_sums_say_is_not_due_is_not_due(
    rows: list[RetentionRow], rules: RemovalRules, clock: ClockFacts, disk: DiskFacts
) -> None:
    """A sweep that reads no row must not miss one."""
    kinds = {(one.camera, one.status, one.keep) for one in rows}
    groups = [
        RetentionGroup(*kind, len(same), sum(r.size_bytes for r in same), min(r.dated for r in same), NOW)
        for kind in kinds
        if (same := [one for one in rows if (one.camera, one.status, one.keep) == kind])
    ]
    if not is_due(groups, rules, clock, disk):
        assert decide(rows, rules, clock, disk) == []


@pytest.mark.parametrize(
    ("rules", "clock", "disk", "due"),
    [
        (RemovalRules(), CLOCK, DISK, False),
        (RemovalRules((RemovalRule(max_clips=9),)), CLOCK, DISK, True),
        (RemovalRules((RemovalRule(max_clips=10),)), CLOCK, DISK, False),
        (RemovalRules((RemovalRule(max_bytes=999),)), CLOCK, DISK, True),
        (RemovalRules((RemovalRule(max_bytes=1000),)), CLOCK, DISK, False),
        (RemovalRules((RemovalRule(max_age_s=DAY_S),)), CLOCK, DISK, True),
        (RemovalRules((RemovalRule(max_age_s=DAY_S),)), DOUBTED, DISK, False),
        (RemovalRules((RemovalRule(max_age_s=3 * DAY_S),)), CLOCK, DISK, False),
        (RemovalRules((RemovalRule(camera="yard", max_clips=1),)), CLOCK, DISK, False),
        (RemovalRules((RemovalRule(status=Status.FAILED, max_bytes=10**9),)), CLOCK, DISK, True),
        (RemovalRules(reserve_bytes=400), CLOCK, DiskFacts(499), True),
        (RemovalRules(reserve_bytes=400), CLOCK, DiskFacts(0, leaving_bytes=500), False),
        (RemovalRules(reserve_bytes=400, make_room=False), CLOCK, DiskFacts(0), False),
    ],
)
def test_a_sweep_is_due_when_a_limit_may_be_exceeded(
    rules: RemovalRules, clock: ClockFacts, disk: DiskFacts, due: bool
) -> None:
    """By sums alone; favourites and unfinished clips do not count, failed ones may be larger than told."""
    two_days_ago = NOW - timedelta(days=2)
    groups = [
        RetentionGroup("front", Status.DRAFT, False, 10, 1000, two_days_ago, NOW),
        RetentionGroup("front", Status.DRAFT, True, 99, 9999, two_days_ago, NOW),
        RetentionGroup("yard", Status.PENDING, False, 99, 9999, two_days_ago, NOW),
    ]
    if any(rule.status is Status.FAILED for rule in rules.rules):
        groups.append(RetentionGroup("front", Status.FAILED, False, 1, 0, NOW, NOW))
    assert is_due(groups, rules, clock, disk) is due


@given(ROWS, RULES, st.none() | RULES, CLOCKS, DISKS)
def test_nothing_goes_in_large_numbers_that_a_person_did_not_see_coming(
    rows: list[RetentionRow],
    rules: RemovalRules,
    before: RemovalRules | None,
    clock: ClockFacts,
    disk: DiskFacts,
) -> None:
    """By age never more than the share; by new settings never more than the share but for the old ones."""
    plan = make_plan(rows, rules, before, (clock, disk))
    by_age = [one for one in plan.leaving if one.cause is RemovalCause.AGE]
    assert not too_much(by_age, rows, (before if plan.holds_settings and before else rules).hold_above)
    if before is not None and not plan.holds_settings:
        anyway = {one.row.number for one in make_plan(rows, before, None, (clock, disk)).leaving}
        more = [one for one in plan.leaving if one.row.number not in anyway]
        assert not too_much(more, rows, rules.hold_above)
    assert bool(plan.held) is (plan.why_held is not None)
    assert not {one.row.number for one in plan.held} & {one.row.number for one in plan.leaving}


@given(ROWS, RULES, CLOCKS, DISKS, st.timedeltas(timedelta(days=-500), timedelta(days=500)))
def test_a_clock_that_steps_changes_nothing_but_ages(
    rows: list[RetentionRow], rules: RemovalRules, clock: ClockFacts, disk: DiskFacts, step: timedelta
) -> None:
    """Count, size and reserve choose the same clips at any time of any clock."""
    ageless = replace(rules, rules=tuple(replace(rule, max_age_s=None) for rule in rules.rules))
    stepped = replace(clock, now=clock.now + step)
    assert decide(rows, ageless, clock, disk) == decide(rows, ageless, stepped, disk)

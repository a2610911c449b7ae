"""A bucket's policy is its operator's: ours is one statement in it, by name."""

import json
from typing import Any

import pytest

from backend.storage.bucket_policy import PolicyNotUnderstood, change_for, public_statement, sid_of
from backend.storage.s3_settings import S3Place

CLIPS = S3Place("clips")
OURS = public_statement(CLIPS)
OWN = {
    "Sid": "OfficeOnly",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": "arn:aws:s3:::clips/*",
    "Condition": {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}},
}
UNNAMED = {name: value for name, value in OURS.items() if name != "Sid"}


def policy(*statements: dict[str, Any], **more: Any) -> str:
    return json.dumps({"Version": "2008-10-17", "Id": "of-the-office", "Statement": list(statements)} | more)


def changed(text: str | None, *, public: bool) -> dict[str, Any] | None:
    change = change_for(text, CLIPS, public=public)
    assert change is not None
    return None if change.text is None else json.loads(change.text)


def test_a_bucket_without_policy_gets_one_with_our_statement_alone() -> None:
    """It opens what is published, for reading."""
    assert changed(None, public=True) == {"Version": "2012-10-17", "Statement": [OURS]}
    assert OURS["Resource"] == ["arn:aws:s3:::clips/public/*"]
    assert OURS["Action"] == ["s3:GetObject"]


@pytest.mark.parametrize("own", [policy(OWN), policy(OWN, Statement=OWN)])
def test_an_operators_statements_version_and_id_stay_on_the_way_there_and_back(own: str) -> None:
    """Also a single statement that stands without its list."""
    opened = changed(own, public=True)
    assert opened == {"Version": "2008-10-17", "Id": "of-the-office", "Statement": [OWN, OURS]}
    assert changed(json.dumps(opened), public=False) == json.loads(policy(OWN))


def test_a_policy_that_was_ours_alone_goes() -> None:
    """Stores refuse a policy without statements."""
    assert changed(policy(OURS), public=False) is None


@pytest.mark.parametrize(
    "answered",
    [
        OURS,
        OURS | {"Principal": "*", "Action": "s3:GetObject"},
        OURS | {"Principal": {"AWS": "*"}, "Resource": OURS["Resource"][0]},
    ],
)
def test_what_is_there_already_is_not_written_again(answered: dict[str, Any]) -> None:
    """However the store words it: between a look and a change, another's change would be lost."""
    assert change_for(policy(OWN, answered), CLIPS, public=True) is None
    assert change_for(policy(OWN), CLIPS, public=False) is None
    assert change_for(None, CLIPS, public=False) is None


def test_an_older_or_altered_statement_of_ours_is_replaced() -> None:
    """Its name says that it is ours; there is one of it."""
    wider = OURS | {"Resource": ["arn:aws:s3:::clips/*"]}
    opened = changed(policy(wider, OWN, OURS), public=True)
    assert opened is not None
    assert opened["Statement"] == [OWN, OURS]


def test_the_statement_of_an_earlier_version_is_taken_over_while_it_is_wanted() -> None:
    """It had no name. While it is not wanted, it may as well be an operator's, and stays."""
    opened = changed(policy(OWN, UNNAMED), public=True)
    assert opened is not None
    assert opened["Statement"] == [OWN, OURS]
    assert change_for(policy(OWN, UNNAMED), CLIPS, public=False) is None
    conditional = UNNAMED | {"Condition": OWN["Condition"]}
    opened = changed(policy(conditional), public=True)
    assert opened is not None
    assert opened["Statement"] == [conditional, OURS]


@pytest.mark.parametrize(
    "answered", ["", "<ListBucketResult/>", "[]", '"x"', '{"Statement": "x"}', '{"Statement": ["x"]}']
)
@pytest.mark.parametrize("public", [True, False])
def test_what_is_no_policy_is_not_changed(answered: str, public: bool) -> None:
    """rclone answers with a list of objects, and deletes the bucket if told to delete its policy."""
    with pytest.raises(PolicyNotUnderstood):
        change_for(answered, CLIPS, public=public)


def test_recorders_that_share_a_bucket_by_prefixes_keep_a_statement_each() -> None:
    """The one that comes later, and the one that takes its own out, leave the other's clips open."""
    first, second = S3Place("one", "front/clips/"), S3Place("one", "back/clips/")
    change = change_for(policy(public_statement(first)), second, public=True)
    assert change is not None
    assert change.text is not None
    assert json.loads(change.text)["Statement"] == [public_statement(first), public_statement(second)]
    change = change_for(change.text, first, public=False)
    assert change is not None
    assert change.text is not None
    assert json.loads(change.text)["Statement"] == [public_statement(second)]
    assert public_statement(second)["Resource"] == ["arn:aws:s3:::one/back/clips/public/*"]


@pytest.mark.parametrize("place", [CLIPS, S3Place("one", "clips/")])
def test_the_name_is_one_that_aws_takes(place: S3Place) -> None:
    """Letters and digits only."""
    assert sid_of(place).isalnum()

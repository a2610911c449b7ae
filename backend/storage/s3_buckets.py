"""The buckets of an S3 store: are they there, may this key use them, may everybody read what is published.

A key of one bucket, or of a prefix in one, often may not look at buckets. It then has to prove itself: it
leaves a small object, the mark, in each of our places. The mark also tells later what a 403 means, for to a
key that may not list a store says so of objects that are not there: while the mark can be read, the key is
good and the object is missing. Blocking: for the threads of `s3`.
"""

import json
import logging
from enum import Enum, auto
from io import BytesIO

from minio import Minio
from minio.error import MinioException

from backend.storage.bucket_policy import PolicyNotUnderstood, change_for, public_statement
from backend.storage.object_store import FailureCause
from backend.storage.s3_errors import code_of, foreseen, is_denied, is_missing, store_error
from backend.storage.s3_settings import S3Place, S3Settings

log = logging.getLogger(__name__)

MARK = "hindsight-mark.txt"
_MARK_TEXT = b"Hindsight keeps clips and pictures beside this object, and knows by it that its key is good.\n"


class _Look(Enum):
    THERE = auto()
    MISSING = auto()
    HIDDEN = auto()
    """This key may not know."""


class Buckets:
    """The places of one store, for one key."""

    def __init__(self, client: Minio, settings: S3Settings) -> None:
        self._client = client
        self._settings = settings

    def prepare(self) -> None:
        """Make the buckets that are missing, try what cannot be seen, and set the policy. May be repeated."""
        looks = {bucket: self._look(bucket) for bucket in dict.fromkeys(p.bucket for p in self._places)}
        for bucket, look in looks.items():
            if look is _Look.MISSING:
                self._make(bucket)
        for place in self._places:
            if looks[place.bucket] is _Look.HIDDEN:
                self._leave_mark(place)
        self._set_public(self._settings.clips)

    def check(self) -> None:
        """Return if both places could be used now. Raises what `foreseen` explains."""
        for place in self._places:
            look = self._look(place.bucket)
            if look is _Look.MISSING:
                raise store_error(FailureCause.BUCKET, f"The bucket {place.bucket} is not there")
            if look is _Look.HIDDEN and not self.can_read(place):
                self._leave_mark(place)

    def can_read(self, place: S3Place) -> bool:
        """Whether the mark of `place` can be read, so that what is refused there is not there."""
        try:
            self._client.stat_object(place.bucket, place.prefix + MARK)
        except MinioException as error:
            if is_denied(error) or is_missing(error):
                return False
            raise
        return True

    @property
    def _places(self) -> tuple[S3Place, S3Place]:
        return self._settings.places

    def _look(self, bucket: str) -> _Look:
        try:
            return _Look.THERE if self._client.bucket_exists(bucket) else _Look.MISSING
        except MinioException as error:
            if is_denied(error):
                return _Look.HIDDEN
            raise

    def _make(self, bucket: str) -> None:
        try:
            self._client.make_bucket(bucket, location=self._settings.region)
        except MinioException as error:
            if code_of(error) == "BucketAlreadyOwnedByYou":  # another recorder was quicker
                return
            if is_denied(error):
                raise store_error(
                    FailureCause.BUCKET, f"The bucket {bucket} is not there, and this key may not make it"
                ) from error
            raise

    def _leave_mark(self, place: S3Place) -> None:
        name = place.prefix + MARK
        try:
            self._client.put_object(
                place.bucket, name, BytesIO(_MARK_TEXT), len(_MARK_TEXT), content_type="text/plain"
            )
        except MinioException as error:
            raise foreseen(error, f"put {name}", needs=f"s3:PutObject on {place}/*") from error
        if not self.can_read(place):
            raise store_error(
                FailureCause.CREDENTIALS,
                f"This key may write to {place} and not read there; it needs s3:GetObject on {place}/*",
            )

    def _set_public(self, place: S3Place) -> None:
        """Add our statement to the bucket's policy, or remove it; every other stays."""
        public = self._settings.public_urls
        try:
            change = change_for(self._policy(place.bucket), place, public=public)
        except (MinioException, PolicyNotUnderstood) as error:
            # Not every store knows policies, and not every key may read them: trouble only if ours is wanted.
            self._policy_stays(place, error, is_trouble=public)
            return
        try:
            if change is not None and change.text is not None:
                self._client.set_bucket_policy(place.bucket, change.text)
            elif change is not None:
                self._client.delete_bucket_policy(place.bucket)
        except MinioException as error:
            self._policy_stays(place, error, is_trouble=True)

    def _policy_stays(self, place: S3Place, error: Exception, *, is_trouble: bool) -> None:
        if foreseen(error, f"look at the policy of {place.bucket}").cause is FailureCause.SLOW:
            raise error  # the queue prepares again
        if is_trouble:
            log.warning(
                "the policy of the bucket %s stays as it is (%s). Let the key read, set and delete it, or "
                "%s by hand what storage.s3.public_urls needs: %s",
                place.bucket,
                code_of(error) or error,
                "add" if self._settings.public_urls else "remove",
                json.dumps(public_statement(place)),
            )

    def _policy(self, bucket: str) -> str | None:
        try:
            return self._client.get_bucket_policy(bucket)
        except MinioException as error:
            if code_of(error) == "NoSuchBucketPolicy":
                return None
            raise

"""The sections that say where finished files and rows go: `storage.s3`, `storage.keep_local`, `catalogue`.

Secrets come from the file itself, from the environment, or from a file of their own (`…_file`), which
`load` reads. Immutable; no I/O.
"""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from backend.config.values import Section, matching, parse_seconds
from recorder.base.redaction import secrets_in

_ENDPOINT = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)

_SEGMENT = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)


def _endpoint(value: str) -> str:
    bare = value.rstrip("/")
    if not _ENDPOINT.fullmatch(bare):
        raise ValueError(
            "must be http:// or https:// with a host and perhaps a port, without path and keys, "
            "such as https://s3.example.com"
        )
    return bare


def _prefix(value: str) -> str:
    bare = value.removesuffix("/")
    segments = bare.split("/")
    if not all(map(_SEGMENT.fullmatch, segments)) or {".", ".."} & set(segments):
        raise ValueError(
            "must be names of letters, digits, ., _ and - with / between them, such as house/front"
        )
    if "public" in segments:
        raise ValueError("must not contain a folder named public: below one, published clips are open to all")
    return bare


def _keep_local(value: Any) -> Any:
    if value in {"always", "never"}:
        return value
    try:
        return parse_seconds(value)
    except ValueError:
        raise ValueError("must be 'always', 'never', or how long, such as 7d") from None


_CLIPS, _THUMBNAILS = "clips", "thumbnails"
Endpoint = Annotated[str, Field(max_length=260), AfterValidator(_endpoint)]
BucketName = Annotated[
    str,
    matching(
        "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        "must be 3 to 63 of a-z, 0-9, . and -, with a letter or digit at both ends",
    ),
]
KeyPrefix = Annotated[str, Field(max_length=200), AfterValidator(_prefix)]
RegionName = Annotated[
    str, matching("[A-Za-z0-9-]{1,60}", "must be a name such as us-east-1, of letters, digits and -")
]
KeepLocal = Annotated[Literal["always", "never"] | float, BeforeValidator(_keep_local)]
"""A number is seconds."""


class S3Config(Section):
    """An S3-compatible store, beside the local disk."""

    endpoint: Endpoint
    access_key: SecretStr | None = None
    access_key_file: Path | None = None
    secret_key: SecretStr | None = None
    secret_key_file: Path | None = None
    region: RegionName = "us-east-1"
    public_endpoint: Endpoint | None = None
    public_urls: bool = False
    bucket: BucketName | None = None
    """One for everything, instead of two."""
    prefix: KeyPrefix | None = None
    """Without a slash at its end."""
    clips_bucket: BucketName = _CLIPS
    thumbnails_bucket: BucketName = _THUMBNAILS

    @model_validator(mode="after")
    def _keys_and_buckets(self) -> Self:
        for name in ("access_key", "secret_key"):
            if (getattr(self, name) is None) == (getattr(self, f"{name}_file") is None):
                raise ValueError(f"needs exactly one of '{name}' and '{name}_file'")
        if self.bucket is not None and (self.clips_bucket, self.thumbnails_bucket) != (_CLIPS, _THUMBNAILS):
            raise ValueError("takes 'bucket', or 'clips_bucket' and 'thumbnails_bucket', not both")
        if self.clips_bucket == self.thumbnails_bucket:
            raise ValueError(
                "needs two buckets in clips_bucket and thumbnails_bucket; name one for both as 'bucket'"
            )
        return self

    @property
    def clips_place(self) -> tuple[str, str]:
        """Bucket of the clips, and how their keys begin: with "" or what ends with a slash."""
        return self._place(self.clips_bucket, "clips/")

    @property
    def thumbnails_place(self) -> tuple[str, str]:
        """The same of the pictures."""
        return self._place(self.thumbnails_bucket, "thumbnails/")

    def _place(self, own_bucket: str, folder: str) -> tuple[str, str]:
        prefix = f"{self.prefix}/" if self.prefix else ""
        return (own_bucket, prefix) if self.bucket is None else (self.bucket, prefix + folder)


class CatalogueConfig(Section):
    """The database. None: SQLite inside data_dir."""

    url: SecretStr | None = None
    url_file: Path | None = None

    @model_validator(mode="after")
    def _one_url(self) -> Self:
        if self.url is not None and self.url_file is not None:
            raise ValueError("takes 'url' or 'url_file', not both")
        if self.url is not None and not self.url.get_secret_value().startswith(
            ("postgresql://", "postgresql+psycopg://")
        ):
            raise ValueError("url must begin with postgresql://; leave it out for SQLite inside data_dir")
        return self

    def secrets(self) -> set[str]:
        """The password in `url`, as it is written and as it is meant."""
        return set() if self.url is None else secrets_in(self.url.get_secret_value())


def reclaim_after(keep_local: Literal["always", "never"] | float) -> timedelta | None:
    """How long after it was made a clip's local file may be reclaimed; None: never."""
    if keep_local == "always":
        return None
    return timedelta(seconds=0 if keep_local == "never" else float(keep_local))

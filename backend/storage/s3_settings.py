"""Where an S3-compatible store is, who we are to it, and where objects of each kind lie in it. Pure.

two buckets    clips: <id>/clip.mp4                  thumbnails: <id>/middle.jpg
one bucket     [prefix/]clips/<id>/clip.mp4          [prefix/]thumbnails/<id>/middle.jpg
"""

from dataclasses import dataclass, field

from backend.catalogue.values import Root, StoredPath


@dataclass(frozen=True, slots=True)
class S3Place:
    """A bucket, or the part of one below `prefix`, which ends with a slash. Nothing else is touched."""

    bucket: str
    prefix: str = ""

    def __str__(self) -> str:
        return f"{self.bucket}/{self.prefix}".rstrip("/")


@dataclass(frozen=True, slots=True)
class S3Settings:
    """Endpoints are `http(s)://HOST[:PORT]`."""

    endpoint: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    region: str = "us-east-1"
    public_endpoint: str | None = None
    """What a browser can reach; None: the same."""
    clips: S3Place = S3Place("clips")
    thumbnails: S3Place = S3Place("thumbnails")
    public_urls: bool = False

    @property
    def places(self) -> tuple[S3Place, S3Place]:
        """Both."""
        return self.clips, self.thumbnails

    def place(self, root: Root) -> S3Place:
        """Where objects of that kind lie."""
        return self.clips if root is Root.CLIPS else self.thumbnails

    def bucket_and_name(self, key: StoredPath) -> tuple[str, str]:
        """The object that `key` names, as the store knows it."""
        place = self.place(key.root)
        return place.bucket, place.prefix + key.path

"""The store and the database are configured with secrets that stay secret."""

from datetime import timedelta
from pathlib import Path

import pytest

from backend.config.load import ConfigError, load, show
from backend.config.model import Config
from backend.config.storage import reclaim_after

CANARY = "canary-5f2b-secret"
S3 = f"storage: {{s3: {{endpoint: 'https://s3.example/', access_key: us, secret_key: {CANARY}}}}}"


def _s3(more: str) -> str:
    """The section with some more keys."""
    return S3.replace("access_key: us", f"access_key: us, {more}")


def _load(tmp_path: Path, text: str, **environ: str) -> Config:
    (tmp_path / "config.yaml").write_text(text)
    return load(None, environ, tmp_path)


def _complaint(tmp_path: Path, text: str, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, text, **environ)
    assert CANARY not in str(caught.value)
    return str(caught.value)


def test_without_a_store_everything_stays_local(tmp_path: Path) -> None:
    """And rows are in SQLite inside data_dir."""
    config = load(None, {}, tmp_path)
    assert (config.storage.s3, config.storage.keep_local) == (None, "always")
    assert config.catalogue_url == f"sqlite:///{tmp_path}/data/catalogue.sqlite"


def test_secrets_come_from_the_file_the_environment_or_a_file_of_their_own(tmp_path: Path) -> None:
    """Relative to the file that names it, as every path."""
    assert secret(_load(tmp_path, S3)) == CANARY
    from_environment = _load(tmp_path, S3, HINDSIGHT_STORAGE__S3__SECRET_KEY="from-the-environment")
    assert secret(from_environment) == "from-the-environment"
    (tmp_path / "s3-secret").write_text("from-a-file\n")
    text = "storage: {s3: {endpoint: 'http://s3', access_key: us, secret_key_file: s3-secret}}"
    assert secret(_load(tmp_path, text)) == "from-a-file"
    assert "s3-gone" not in _complaint(tmp_path, text.replace("s3-secret", "nowhere"))


def secret(config: Config) -> str:
    s3 = config.storage.s3
    assert s3 is not None
    assert s3.secret_key is not None
    return s3.secret_key.get_secret_value()


def test_no_secret_is_ever_shown(tmp_path: Path) -> None:
    """`config print`, repr, and what the log hides."""
    text = f"{S3}\ncatalogue: {{url: 'postgresql://hindsight:{CANARY}@db/hindsight'}}"
    config = _load(tmp_path, text)
    assert CANARY not in repr(config)
    assert CANARY not in str(show(config))
    assert "@db/hindsight" in show(config)["catalogue"]["url"]
    assert CANARY in config.secrets()
    assert config.catalogue_url.startswith("postgresql://hindsight:canary")


def test_an_address_of_the_database_can_lie_in_a_file(tmp_path: Path) -> None:
    """As Docker and systemd hand over secrets."""
    (tmp_path / "db").write_text(f"postgresql://hindsight:{CANARY}@db/hindsight\n")
    config = _load(tmp_path, "catalogue: {url_file: db}")
    assert config.catalogue_url.endswith("@db/hindsight")
    assert CANARY in config.secrets()
    assert CANARY not in str(show(config))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("storage: {keep_local: never}", "keep_local needs s3"),
        (S3.replace("}}", "}, keep_local: sometimes}"), "'always', 'never', or how long"),
        (S3.replace("https://s3.example/", "s3.example"), "must be http:// or https://"),
        (S3.replace("https://s3.example/", f"https://us:{CANARY}@s3.example"), "without path and keys"),
        (S3.replace("access_key: us,", ""), "exactly one of 'access_key'"),
        (_s3("clips_bucket: thumbnails"), "name one for both as 'bucket'"),
        (_s3("bucket: one, clips_bucket: two"), "not both"),
        (_s3("bucket: One"), "must be 3 to 63 of a-z"),
        *(
            (_s3(f"prefix: '{prefix}'"), "with / between them")
            for prefix in ("/house", "a//b", "a//", "a/../b", ".", "ho use", "h\u00e4user", "a?b", "")
        ),
        (_s3("prefix: house/public/x"), "a folder named public"),
        (S3.replace("access_key", "acces_key"), "Did you mean 'storage.s3.access_key'"),
        (f"catalogue: {{url: 'mysql://us:{CANARY}@db/x'}}", "must begin with postgresql://"),
    ],
)
def test_mistakes_are_named_with_their_cure(tmp_path: Path, text: str, said: str) -> None:
    """Never with the value: it might be the secret."""
    assert said in _complaint(tmp_path, text)


@pytest.mark.parametrize(
    ("given", "clips", "thumbnails"),
    [
        ("region: us", ("clips", ""), ("thumbnails", "")),
        ("prefix: house/", ("clips", "house/"), ("thumbnails", "house/")),
        ("bucket: one", ("one", "clips/"), ("one", "thumbnails/")),
        ("bucket: one, prefix: a/b", ("one", "a/b/clips/"), ("one", "a/b/thumbnails/")),
        ("clips_bucket: film", ("film", ""), ("thumbnails", "")),
    ],
)
def test_objects_lie_in_two_buckets_or_in_one_below_a_prefix_or_not(
    tmp_path: Path, given: str, clips: tuple[str, str], thumbnails: tuple[str, str]
) -> None:
    """Clips and pictures never share a place, so that what opens one opens nothing of the other."""
    s3 = _load(tmp_path, _s3(given)).storage.s3
    assert s3 is not None
    assert (s3.clips_place, s3.thumbnails_place) == (clips, thumbnails)


@pytest.mark.parametrize(
    ("text", "after"), [("always", None), ("never", timedelta(0)), ("7d", timedelta(days=7))]
)
def test_keep_local_is_a_time(tmp_path: Path, text: str, after: timedelta | None) -> None:
    """Counted from when the clip was made, once the store has confirmed it."""
    config = _load(tmp_path, S3.replace("}}", f"}}, keep_local: {text}}}"))
    assert reclaim_after(config.storage.keep_local) == after

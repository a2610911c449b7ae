"""`hindsight storage check` against a real S3 server: what works is shown, what does not is named."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.__main__ import main
from backend.cli.exits import Exit
from tests.support.daemon import free_port
from tests.support.s3_servers import S3Server, find_minio

ROUND_TRIP = ["buckets", "put", "picture", "stat", "range", "presigned", "cors", "delete"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    own = S3Server("rclone", tmp_path_factory.mktemp("rclone") / "objects")
    own.start()
    yield own
    own.kill()


def check(tmp_path: Path, server: S3Server, *options: str, **changed: Any) -> Exit:
    s3 = {"endpoint": server.endpoint, "access_key": server.access_key, "secret_key": server.secret_key}
    config = {"data_dir": str(tmp_path / "data"), "storage": {"s3": s3 | changed}}
    (tmp_path / "config.yaml").write_text(json.dumps(config))
    return Exit(main(["storage", "check", "--config", str(tmp_path / "config.yaml"), *options]))


def steps(output: str) -> dict[str, dict[str, Any]]:
    return {step["name"]: step for step in json.loads(output)["steps"]}


def test_a_store_that_works_is_shown_step_by_step(
    tmp_path: Path, server: S3Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 0, every step, and nothing stays behind."""
    assert check(tmp_path, server, "--json") is Exit.OK
    done = steps(capsys.readouterr().out)
    assert list(done) == ROUND_TRIP
    assert {step["outcome"] for step in done.values()} == {"ok"}
    assert [name for name in server.objects() if "check" in name] == []
    assert check(tmp_path, server) is Exit.OK
    assert "presigned" in capsys.readouterr().out


def test_one_bucket_below_a_prefix_is_enough(
    tmp_path: Path, server: S3Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is made if it is missing, and nothing lies outside the prefix."""
    assert check(tmp_path, server, "--json", bucket="one-for-all", prefix="house/front/") is Exit.OK
    assert (server.directory / "one-for-all").is_dir()
    assert {path.name for path in (server.directory / "one-for-all").iterdir()} <= {"house"}


@pytest.mark.parametrize(
    ("changed", "step", "cause"),
    [
        ({"secret_key": "not-the-right-one"}, "buckets", "credentials"),
        ({"access_key": "nobody-we-know"}, "buckets", "credentials"),
        ({"endpoint": "http://127.0.0.1:9"}, "buckets", "host"),
        ({"endpoint": "http://no-such-host.invalid"}, "buckets", "host"),
        ({"public_endpoint": "http://127.0.0.1:9"}, "presigned", "host"),
    ],
)
def test_what_does_not_work_is_named(
    tmp_path: Path,
    server: S3Server,
    capsys: pytest.CaptureFixture[str],
    changed: dict[str, str],
    step: str,
    cause: str,
) -> None:
    """Exit 1, the step and its cause, and never the secret; later steps are skipped."""
    assert check(tmp_path, server, "--json", **changed) is Exit.FAILED
    output = capsys.readouterr().out
    assert "not-the-right-one" not in output
    done = steps(output)
    assert (done[step]["outcome"], done[step]["cause"]) == ("failed", cause)
    assert done["cors"]["outcome"] == "skipped"
    assert [name for name in server.objects() if "check" in name] == []


def test_a_store_that_lets_no_page_read_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cause `cors`, and exit 0: players do without. rclone lets every page read, so this needs MinIO."""
    if find_minio() is None:
        return
    monkeypatch.setenv("MINIO_API_CORS_ALLOW_ORIGIN", "http://another.example")
    minio = S3Server("minio", tmp_path / "minio")
    minio.start()
    try:
        assert check(tmp_path, minio, "--json", "--origin", "http://hindsight.example") is Exit.OK
        cors = steps(capsys.readouterr().out)["cors"]
        assert (cors["outcome"], cors["cause"]) == ("warning", "cors")
        assert check(tmp_path, minio, "--json", "--origin", "http://another.example") is Exit.OK
        assert steps(capsys.readouterr().out)["cors"]["outcome"] == "ok"
    finally:
        minio.kill()


def test_public_addresses_are_tried_without_a_key(
    tmp_path: Path, server: S3Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """rclone knows no policies, so nothing below public/ can be read: that is said. MinIO passes."""
    assert check(tmp_path, server, "--json", public_urls=True) is Exit.FAILED
    assert "set the bucket's policy" in steps(capsys.readouterr().out)["public"]["detail"]
    if find_minio() is None:
        return
    minio = S3Server("minio", tmp_path / "minio")
    minio.start()
    try:
        assert check(tmp_path, minio, "--json", public_urls=True) is Exit.OK
    finally:
        minio.kill()
    assert steps(capsys.readouterr().out)["public"]["outcome"] == "ok"


def test_without_a_store_there_is_nothing_to_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sentence, not a trace."""
    (tmp_path / "config.yaml").write_text(f"server: {{port: {free_port()}}}\ndata_dir: {tmp_path}\n")
    assert main(["storage", "check", "--config", str(tmp_path / "config.yaml")]) == Exit.CONFIG
    assert "storage.s3 is not configured" in capsys.readouterr().err

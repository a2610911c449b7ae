"""Public addresses at real stores: one statement comes and goes, and no operator's policy is lost."""

import asyncio
import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from minio import Minio
from minio.error import S3Error

from backend.storage.s3 import S3Store
from backend.storage.s3_settings import S3Place, S3Settings
from tests.support.s3_servers import S3Server, find_minio, running_s3


@pytest.fixture(scope="module")
def rclone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_s3("rclone", tmp_path_factory.mktemp("rclone") / "objects") as server:
        yield server


@pytest.fixture(scope="module")
def minio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    if not find_minio():
        pytest.skip("rclone knows no policies")
    with running_s3("minio", tmp_path_factory.mktemp("minio") / "objects") as server:
        yield server


def settings_of(server: S3Server) -> S3Settings:
    return S3Settings(server.endpoint, server.access_key, server.secret_key)


def is_readable(url: str) -> bool:
    """By plain HTTP, without a key."""
    try:
        urllib.request.urlopen(url, timeout=10).close()
    except urllib.error.HTTPError as error:
        error.close()
        return False
    return True


async def prepared(server: S3Server, *, public_urls: bool) -> None:
    store = S3Store(replace(settings_of(server), public_urls=public_urls))
    await store.prepare()
    await store.close()


async def test_public_addresses_come_and_go_beside_an_operators_statements(
    minio: S3Server, tmp_path: Path
) -> None:
    """The office's own folder stays open all the time, drafts never are, published clips while wanted."""
    client, bucket = minio.operator(), f"clips-{secrets.token_hex(4)}"
    await asyncio.to_thread(client.make_bucket, bucket)
    own = {
        "Sid": "Office",
        "Effect": "Allow",
        "Principal": {"AWS": ["*"]},
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{bucket}/office/*"],
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [own]})
    await asyncio.to_thread(client.set_bucket_policy, bucket, policy)
    path = tmp_path / "x"
    path.write_bytes(b"x")
    for name in ("office/x", "public/x", "x"):
        await asyncio.to_thread(client.fput_object, bucket, name, str(path))

    async def readable(*, public_urls: bool) -> list[bool]:
        store = S3Store(replace(settings_of(minio), clips=S3Place(bucket), public_urls=public_urls))
        await store.prepare()
        await store.prepare()  # a second start changes nothing
        await store.close()
        addresses = [f"{minio.endpoint}/{bucket}/{name}" for name in ("office/x", "public/x", "x")]
        return [await asyncio.to_thread(is_readable, url) for url in addresses]

    assert await readable(public_urls=True) == [True, True, False]
    assert await readable(public_urls=False) == [True, False, False]
    left = json.loads(await asyncio.to_thread(client.get_bucket_policy, bucket))
    assert left["Statement"] == [own]
    await asyncio.to_thread(client.delete_bucket_policy, bucket)
    assert await readable(public_urls=True) == [False, True, False]
    assert await readable(public_urls=False) == [False, False, False]


async def test_a_store_without_policies_loses_no_bucket_and_is_told_of_only_if_public_urls_is_on(
    rclone: S3Server, caplog: pytest.LogCaptureFixture
) -> None:
    """rclone takes the order to delete a policy for the order to delete the bucket."""
    await prepared(rclone, public_urls=False)
    assert caplog.text == ""
    await prepared(rclone, public_urls=True)
    assert "the policy of the bucket clips stays as it is" in caplog.text
    assert '"Sid": "HindsightPublicClips"' in caplog.text
    caplog.clear()
    await prepared(rclone, public_urls=False)
    assert caplog.text == ""
    assert await asyncio.to_thread(rclone.operator().bucket_exists, "clips")


async def test_a_policy_that_may_not_be_read_is_not_replaced(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that may set policies and not read them would wipe out the operator's."""
    sent: list[object] = []

    def denied(*_: object) -> str:
        raise S3Error(MagicMock(), "AccessDenied", "no", None, None, None)

    monkeypatch.setattr(Minio, "bucket_exists", lambda *_: True)
    monkeypatch.setattr(Minio, "get_bucket_policy", denied)
    for name in ("set_bucket_policy", "delete_bucket_policy"):
        monkeypatch.setattr(Minio, name, lambda *given: sent.append(given))
    store = S3Store(S3Settings("http://127.0.0.1:9", "key", "secret-secret", public_urls=True))
    await store.prepare()
    await store.close()
    assert sent == []
    assert "(AccessDenied)" in caplog.text

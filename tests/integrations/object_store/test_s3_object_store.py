"""What only S3 has: presigned URLs, versions, and a server that may be away."""

import secrets
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from domain.errors import Unavailable
from embedded.ports import LOOPBACK, free_port
from integrations.object_store.s3 import S3ObjectStore
from tests.s3_server import (
    ACCESS_KEY_ID,
    SECRET_ACCESS_KEY,
    S3Server,
    running_s3,
    s3_client,
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def bucket(server: S3Server) -> str:
    return server.new_bucket()


def opened(url: str, bucket: str, secret: str = SECRET_ACCESS_KEY) -> S3ObjectStore:
    return S3ObjectStore(
        bucket=bucket,
        endpoint_url=url,
        access_key_id=ACCESS_KEY_ID,
        secret_access_key=secret,
    )


@pytest.fixture
async def store(server: S3Server, bucket: str) -> AsyncIterator[S3ObjectStore]:
    store = opened(server.url, bucket)
    yield store
    await store.close()


async def test_anybody_reads_a_presigned_url_and_nobody_the_bucket(
    store: S3ObjectStore, server: S3Server, bucket: str
) -> None:
    await store.put("photos/a.jpg", b"photo", content_type="image/jpeg")
    url = store.signed_url("photos/a.jpg")
    async with httpx.AsyncClient() as browser:
        read = await browser.get(url)
        assert (read.content, read.headers["content-type"]) == (b"photo", "image/jpeg")
        assert (await browser.get(url.replace("a.jpg", "b.jpg"))).status_code == 403
        assert (await browser.get(url[:-4] + "0000")).status_code == 403
        assert (await browser.get(f"{server.url}/{bucket}/photos/a.jpg")).status_code == 403
        assert (await browser.get(f"{server.url}/{bucket}")).status_code == 403


async def test_a_deleted_photo_has_no_versions_left(
    store: S3ObjectStore, server: S3Server, bucket: str
) -> None:
    client = s3_client(server.url)
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for data in (b"one", b"two"):
        await store.put("a.jpg", data, content_type="image/jpeg")
    await store.put("a.jpg.jpg", b"another", content_type="image/jpeg")
    await store.delete("a.jpg")
    left = client.list_object_versions(Bucket=bucket)
    client.close()
    assert [version["Key"] for version in left["Versions"]] == ["a.jpg.jpg"]
    assert not await store.exists("a.jpg")


async def test_what_lay_in_the_bucket_before_it_kept_versions_is_deleted_too(
    store: S3ObjectStore, server: S3Server, bucket: str
) -> None:
    client = s3_client(server.url)
    await store.put("a.jpg", b"photo", content_type="image/jpeg")
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    await store.delete("a.jpg")
    left = client.list_object_versions(Bucket=bucket)
    client.close()
    assert "Versions" not in left
    assert "DeleteMarkers" not in left


async def test_a_server_that_is_away_is_unavailable() -> None:
    store = opened(f"http://{LOOPBACK}:{free_port()}", "photos")
    with pytest.raises(Unavailable):
        await store.get("a.jpg")
    await store.close()


async def test_wrong_keys_and_a_missing_bucket_are_unavailable(
    server: S3Server, bucket: str
) -> None:
    stranger = opened(server.url, bucket, secrets.token_hex(20))
    nowhere = opened(server.url, "no-such-bucket")
    for store in (stranger, nowhere):
        with pytest.raises(Unavailable):
            await store.get("a.jpg")
        with pytest.raises(Unavailable):
            await store.put("a.jpg", b"x", content_type="image/jpeg")
        await store.close()

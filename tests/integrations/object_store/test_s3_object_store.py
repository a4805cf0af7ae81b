"""What only S3 has: presigned URLs, versions, and a server that may be away."""

import secrets
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from domain.errors import Unavailable
from embedded.ports import LOOPBACK, free_port
from integrations.object_store import open_object_store
from integrations.object_store.s3 import S3ObjectStore
from settings import Settings
from tests.s3_server import (
    ACCESS_KEY_ID,
    SECRET_ACCESS_KEY,
    S3Server,
    running_s3,
    s3_client,
)
from tests.samples import settings_for_tests


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


async def test_what_is_written_is_encrypted_by_the_server_when_that_is_set(
    server: S3Server, bucket: str
) -> None:
    """From the settings to what the server says of the file, put by us and brought by a form."""
    store = open_object_store(settings_for(server, bucket, "AES256"))
    await store.put("photos/a.jpg", b"photo", content_type="image/jpeg")
    form = store.presigned_post("incoming/b.jpg", content_type="image/jpeg", max_bytes=9)
    async with httpx.AsyncClient() as browser:
        brought = await browser.post(form.url, data=form.fields, files={"file": b"photo"})
        stripped = {name: v for name, v in form.fields.items() if "encryption" not in name}
        in_clear = await browser.post(form.url, data=stripped, files={"file": b"photo"})
    assert (brought.status_code, in_clear.status_code) == (204, 403)
    for key in ("photos/a.jpg", "incoming/b.jpg"):
        assert encryption_of(server, bucket, key) == "AES256"
        assert await store.get(key) == b"photo"
    await store.close()


@pytest.mark.parametrize("chosen", [None, "none"])
async def test_a_server_of_another_maker_is_not_asked_to_encrypt_unless_that_is_set(
    server: S3Server, bucket: str, chosen: str | None
) -> None:
    store = open_object_store(settings_for(server, bucket, chosen))
    await store.put("a.jpg", b"photo", content_type="image/jpeg")
    assert encryption_of(server, bucket, "a.jpg") is None
    await store.close()


def settings_for(server: S3Server, bucket: str, encryption: str | None) -> Settings:
    return settings_for_tests(
        aws_s3_bucket=bucket,
        s3_endpoint_url=server.url,
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=SECRET_ACCESS_KEY,
        s3_server_side_encryption=encryption,
    )


def encryption_of(server: S3Server, bucket: str, key: str) -> str | None:
    client = s3_client(server.url)
    told: str | None = client.head_object(Bucket=bucket, Key=key).get("ServerSideEncryption")
    client.close()
    return told


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

"""Which store the settings ask for."""

from pathlib import Path

import pytest

from integrations.object_store import LocalObjectStore, open_object_store
from integrations.object_store.s3 import S3ObjectStore
from settings import Settings

BASE = {"jwt_secret_key": "j" * 40, "master_key": "ab" * 32}


async def test_without_a_bucket_files_lie_in_the_data_directory(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, **BASE, data_dir=tmp_path)  # type: ignore[arg-type, call-arg]
    store = open_object_store(settings)
    assert isinstance(store, LocalObjectStore)
    await store.put("a.txt", b"x", content_type="text/plain")
    assert (tmp_path / "objects" / "a.txt").is_file()
    await store.close()


@pytest.mark.parametrize(
    ("bucket", "endpoint", "url"),
    [
        ("kundan-photos", None, "https://kundan-photos.s3.ap-south-1.amazonaws.com/"),
        ("photos.kundan", None, "https://s3.ap-south-1.amazonaws.com/photos.kundan/"),
        ("kundan-photos", "http://127.0.0.1:8333", "http://127.0.0.1:8333/kundan-photos/"),
    ],
)
async def test_a_bucket_means_s3(bucket: str, endpoint: str | None, url: str) -> None:
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        **BASE,  # type: ignore[arg-type]
        aws_s3_bucket=bucket,
        aws_region="ap-south-1",
        aws_access_key_id="AKIAEXAMPLE",  # type: ignore[arg-type]
        aws_secret_access_key="example",  # type: ignore[arg-type]
        s3_endpoint_url=endpoint,
    )
    store = open_object_store(settings)
    assert isinstance(store, S3ObjectStore)
    signed = store.signed_url("a.jpg", seconds=60)
    assert signed.startswith(f"{url}a.jpg?")
    assert "X-Amz-Expires=60" in signed
    form = store.presigned_post("a.jpg", content_type="image/jpeg", max_bytes=1)
    assert form.url.rstrip("/") == url.rstrip("/")
    await store.close()


@pytest.mark.parametrize(
    ("set_to", "asked"),
    [
        ({}, {"x-amz-server-side-encryption": "AES256"}),
        ({"s3_server_side_encryption": "none"}, {}),
        ({"s3_server_side_encryption": "aws:kms"}, {"x-amz-server-side-encryption": "aws:kms"}),
        (
            {"s3_server_side_encryption": "aws:kms", "s3_kms_key_id": "key-1"},
            {
                "x-amz-server-side-encryption": "aws:kms",
                "x-amz-server-side-encryption-aws-kms-key-id": "key-1",
            },
        ),
    ],
)
async def test_amazon_is_asked_to_encrypt(set_to: dict[str, str], asked: dict[str, str]) -> None:
    """A form shows what every write asks for."""
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        **BASE,  # type: ignore[arg-type]
        **set_to,  # type: ignore[arg-type]
        aws_s3_bucket="kundan-photos",
        aws_access_key_id="AKIAEXAMPLE",  # type: ignore[arg-type]
        aws_secret_access_key="example",  # type: ignore[arg-type]
    )
    store = open_object_store(settings)
    form = store.presigned_post("a.jpg", content_type="image/jpeg", max_bytes=1)
    fields = {name: value for name, value in form.fields.items() if "encryption" in name}
    assert fields == asked
    await store.close()


def test_a_key_of_ones_own_needs_the_kind_of_encryption_that_uses_it() -> None:
    with pytest.raises(ValueError, match="S3_KMS_KEY_ID needs"):
        Settings(_env_file=None, **BASE, s3_kms_key_id="key-1")  # type: ignore[arg-type, call-arg]

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
    ("endpoint", "url"),
    [
        (None, "https://kundan-photos.s3.amazonaws.com/a.jpg?"),
        ("http://127.0.0.1:8333", "http://127.0.0.1:8333/kundan-photos/a.jpg?"),
    ],
)
async def test_a_bucket_means_s3(endpoint: str | None, url: str) -> None:
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        **BASE,  # type: ignore[arg-type]
        aws_s3_bucket="kundan-photos",
        aws_region="ap-south-1",
        aws_access_key_id="AKIAEXAMPLE",  # type: ignore[arg-type]
        aws_secret_access_key="example",  # type: ignore[arg-type]
        s3_endpoint_url=endpoint,
    )
    store = open_object_store(settings)
    assert isinstance(store, S3ObjectStore)
    signed = store.signed_url("a.jpg", seconds=60)
    assert signed.startswith(url)
    assert "X-Amz-Expires=60" in signed
    await store.close()

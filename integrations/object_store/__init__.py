"""Photos, overlays and reports: in a local directory, or in S3 when a bucket is set."""

import hashlib
import hmac
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from pydantic import SecretStr

from integrations.object_store.keys import content_key
from integrations.object_store.local import LocalObjectStore

if TYPE_CHECKING:
    from integrations.object_store.s3 import S3ObjectStore

__all__ = ["LocalObjectStore", "content_key", "open_object_store"]


class StorageSettings(Protocol):
    """What we read of the settings."""

    aws_access_key_id: SecretStr | None
    aws_secret_access_key: SecretStr | None
    aws_s3_bucket: str | None
    aws_region: str | None
    s3_endpoint_url: str | None
    s3_server_side_encryption: Literal["AES256", "aws:kms", "none"] | None
    s3_kms_key_id: str | None
    data_dir: Path
    public_base_url: str
    master_key: SecretStr


def open_object_store(settings: StorageSettings) -> "LocalObjectStore | S3ObjectStore":
    """S3 when AWS_S3_BUCKET is set, else the directory `objects` under DATA_DIR."""
    if settings.aws_s3_bucket is None:
        return LocalObjectStore(
            settings.data_dir / "objects",
            base_url=settings.public_base_url,
            signing_key=_signing_key(settings.master_key),
        )
    from integrations.object_store.s3 import (  # noqa: PLC0415 - slow to import, and seldom needed
        S3ObjectStore,
    )

    return S3ObjectStore(
        bucket=settings.aws_s3_bucket,
        region=settings.aws_region,
        endpoint_url=settings.s3_endpoint_url,
        access_key_id=_revealed(settings.aws_access_key_id),
        secret_access_key=_revealed(settings.aws_secret_access_key),
        server_side_encryption=_encryption(settings),
        kms_key_id=settings.s3_kms_key_id,
    )


def _encryption(settings: StorageSettings) -> str | None:
    """Where nothing is set Amazon's own keys; servers of other makers often refuse to be asked."""
    chosen = settings.s3_server_side_encryption
    if chosen is None and settings.s3_endpoint_url is None:
        return "AES256"
    return None if chosen == "none" else chosen


def _signing_key(master_key: SecretStr) -> bytes:
    """A key of its own for URLs, made of the master key."""
    master = bytes.fromhex(master_key.get_secret_value())
    return hmac.new(master, b"object-store signed urls v1", hashlib.sha256).digest()


def _revealed(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None

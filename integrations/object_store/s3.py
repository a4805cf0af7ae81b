"""Objects in a bucket of Amazon S3, or of a server that speaks its protocol."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from domain.errors import NotFound, TooLarge, Unavailable
from domain.ports.files import DirectUpload, StoredObject
from integrations.object_store.keys import (
    CACHED,
    MAX_OBJECT_BYTES,
    checked_key,
    checked_prefix,
    checked_seconds,
    checked_type,
    checked_upload,
    content_disposition,
    content_type_of,
)
from integrations.threads import BoundedThreads

T = TypeVar("T")

THREADS = 8
FORM_NAMES = {
    "ServerSideEncryption": "x-amz-server-side-encryption",
    "SSEKMSKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
}
MISSING = frozenset({"NoSuchKey", "NotFound", "404"})


class S3ObjectStore:
    """`domain.ports.files.ObjectStore` over boto3, whose client may be shared between threads."""

    def __init__(
        self,
        *,
        bucket: str,
        region: str | None = None,
        endpoint_url: str | None = None,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        server_side_encryption: str | None = None,
        kms_key_id: str | None = None,
    ) -> None:
        """Without keys boto3 looks for the machine's role. `server_side_encryption`: AES256 or
        aws:kms, asked for at every write. A server of another maker gets plain paths.
        """
        self._bucket = bucket
        asked = {"ServerSideEncryption": server_side_encryption, "SSEKMSKeyId": kms_key_id}
        self._encryption = {name: value for name, value in asked.items() if value}
        self._client: Any = boto3.session.Session().client(
            "s3",
            region_name=region or "us-east-1",
            endpoint_url=endpoint_url,
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret_access_key,
            config=_config(bucket=bucket, is_amazon=endpoint_url is None),
        )
        self._threads = BoundedThreads("the object store", threads=THREADS)

    async def put(self, key: str, data: bytes, *, content_type: str) -> None:
        """Raise TooLarge over 100 MB, Invalid for a wrong name or type."""
        checked_type(checked_key(key), content_type)
        if len(data) > MAX_OBJECT_BYTES:
            raise TooLarge("The file is too large to be stored.")
        sent = {"Key": key, "Body": data, "ContentType": content_type} | self._encryption
        await self._run(lambda: self._client.put_object(Bucket=self._bucket, **sent))

    async def get(self, key: str, *, max_bytes: int | None = None) -> bytes:
        checked_key(key)
        return await self._run(lambda: self._read(key, max_bytes or MAX_OBJECT_BYTES))

    async def delete(self, key: str) -> None:
        """All versions, where the bucket keeps them: a photo that is deleted is gone."""
        checked_key(key)
        await self._run(lambda: self._delete(key, self._versions(key)))

    async def delete_old(self, key: str, *, before: datetime) -> bool:
        """What is written between the look and the deletion, some milliseconds, is deleted too
        where the bucket keeps no versions.
        """
        checked_key(key)
        return await self._run(lambda: self._delete_old(key, before))

    async def exists(self, key: str) -> bool:
        checked_key(key)
        try:
            await self._run(lambda: self._client.head_object(Bucket=self._bucket, Key=key))
        except NotFound:
            return False
        return True

    async def list(self, prefix: str, *, after: str = "") -> AsyncGenerator[StoredObject, None]:
        """A thousand at a time, in the server's order."""
        asked: dict[str, str] = {"Bucket": self._bucket, "Prefix": checked_prefix(prefix)}
        asked |= {"StartAfter": after} if after else {}
        while True:
            page = await self._run(lambda: self._client.list_objects_v2(**asked))
            for item in page.get("Contents", ()):
                yield _stored(item)
            if not page.get("IsTruncated"):
                return
            asked["ContinuationToken"] = page["NextContinuationToken"]

    def signed_url(self, key: str, *, seconds: int = 300) -> str:
        """Raise ValueError unless it is for a second to a week. Computed here, without a call."""
        url: str = self._client.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self._bucket,
                "Key": checked_key(key),
                "ResponseContentDisposition": content_disposition(key),
                "ResponseCacheControl": CACHED,
            },
            ExpiresIn=checked_seconds(seconds),
        )
        return url

    def presigned_post(
        self, key: str, *, content_type: str, max_bytes: int, seconds: int = 300
    ) -> DirectUpload:
        """The encryption is a condition too: what would be stored in clear is refused."""
        checked_upload(key, content_type, max_bytes=max_bytes, seconds=seconds)
        encryption = {FORM_NAMES[name]: value for name, value in self._encryption.items()}
        fixed = {"Content-Type": content_type} | encryption
        expires_at = datetime.now(UTC) + timedelta(seconds=seconds)
        form = self._client.generate_presigned_post(
            Bucket=self._bucket,
            Key=key,
            Fields=dict(fixed),
            Conditions=[
                ["content-length-range", 1, max_bytes],
                *({name: value} for name, value in fixed.items()),
            ],
            ExpiresIn=seconds,
        )
        return DirectUpload(url=form["url"], fields=form["fields"], key=key, expires_at=expires_at)

    async def close(self) -> None:
        await self._threads.close()
        self._client.close()

    async def _run(self, call: Callable[[], T]) -> T:
        return await self._threads.run(lambda: _translated(call))

    def _read(self, key: str, max_bytes: int) -> bytes:
        answer = self._client.get_object(Bucket=self._bucket, Key=key)
        with answer["Body"] as body:
            if answer["ContentLength"] > max_bytes:
                raise TooLarge(f"The file has more than {max_bytes} bytes.")
            data: bytes = body.read()
            return data

    def _versions(self, key: str) -> tuple[Mapping[str, Any], ...]:
        """All of them, `null` the one of a bucket that keeps none, and the marks of deletions."""
        listed = self._client.list_object_versions(Bucket=self._bucket, Prefix=key)
        kept = (*listed.get("Versions", ()), *listed.get("DeleteMarkers", ()))
        return tuple(version for version in kept if version["Key"] == key)

    def _delete(self, key: str, versions: Sequence[Mapping[str, Any]]) -> None:
        """One by one: a deletion that names no version only hides them."""
        for version in versions:
            self._client.delete_object(Bucket=self._bucket, Key=key, VersionId=version["VersionId"])

    def _delete_old(self, key: str, before: datetime) -> bool:
        versions = self._versions(key)
        if any(version["LastModified"] >= before for version in versions):
            return False
        self._delete(key, versions)
        return True


def _config(*, bucket: str, is_amazon: bool) -> Config:
    """Amazon's host of the bucket's own region: from another a browser is sent on, which CORS forbids."""
    has_own_host = is_amazon and "." not in bucket  # no certificate fits a name with more dots
    checksums = "when_supported" if is_amazon else "when_required"
    return Config(
        connect_timeout=3,
        read_timeout=10,
        retries={"total_max_attempts": 3, "mode": "standard"},
        max_pool_connections=THREADS,
        signature_version="s3v4",
        s3={"addressing_style": "virtual" if has_own_host else "path"},
        request_checksum_calculation=checksums,
        response_checksum_validation=checksums,
    )


def _translated(call: Callable[[], T]) -> T:
    """Raise NotFound for a missing key, Unavailable for everything else that S3 says no to."""
    try:
        return call()
    except ClientError as e:
        code = str(e.response.get("Error", {}).get("Code", ""))
        if code in MISSING:
            raise NotFound("There is no such file.") from e
        raise Unavailable(f"The object store refused: {code}.") from e
    except BotoCoreError as e:
        raise Unavailable("The object store cannot be reached.") from e


def _stored(item: Mapping[str, Any]) -> StoredObject:
    key = str(item["Key"])
    return StoredObject(
        key=key,
        size=int(item["Size"]),
        content_type=content_type_of(key),
        modified=item["LastModified"].astimezone(UTC),
    )

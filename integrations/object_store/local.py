"""Files in a directory: whole or not at all, and readable from outside by signed URLs only."""

import contextlib
import hashlib
import hmac
import os
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from operator import itemgetter
from pathlib import Path
from urllib.parse import urlencode

from domain.errors import NotFound, TooLarge, Unavailable
from domain.ports import StoredObject
from integrations.object_store.keys import (
    checked_key,
    checked_prefix,
    checked_type,
    content_type_of,
)
from integrations.threads import BoundedThreads

MAX_OBJECT_BYTES = 100 * 1024 * 1024
MAX_URL_SECONDS = 7 * 24 * 3600
"""S3's own limit for a presigned URL."""
PARTIAL = ".partial"
"""Folder of files that are being written; no key begins with a dot."""
PARTIAL_SECONDS = 3600
"""What is older was left by a process that died."""
BATCH = 500


class LocalObjectStore:
    """`domain.ports.ObjectStore` over a directory. The API serves `/media/signed/{key}`."""

    def __init__(
        self,
        directory: Path,
        *,
        base_url: str,
        signing_key: bytes,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` tells Unix seconds. Raise ValueError for a signing key under 32 bytes."""
        if len(signing_key) < hashlib.sha256().digest_size:
            raise ValueError("the signing key is shorter than 32 bytes")
        self._directory = directory
        self._base_url = base_url.rstrip("/")
        self._signing_key = signing_key
        self._clock = clock
        self._threads = BoundedThreads("the file store", threads=4)
        _sweep(directory / PARTIAL, before=clock() - PARTIAL_SECONDS)

    async def put(self, key: str, data: bytes, *, content_type: str) -> None:
        """Durable when it returns. Raise TooLarge over 100 MB, Invalid for a wrong name or type."""
        checked_type(checked_key(key), content_type)
        if len(data) > MAX_OBJECT_BYTES:
            raise TooLarge("The file is too large to be stored.")
        path = self._path(key)
        await self._threads.run(lambda: self._write(path, data))

    async def get(self, key: str, *, max_bytes: int | None = None) -> bytes:
        path = self._path(checked_key(key))
        return await self._threads.run(lambda: _read(path, max_bytes=max_bytes))

    async def delete(self, key: str) -> None:
        path = self._path(checked_key(key))
        await self._threads.run(lambda: path.unlink(missing_ok=True))

    async def delete_old(self, key: str, *, before: datetime) -> bool:
        path = self._path(checked_key(key))
        return await self._threads.run(lambda: _unlink_old(path, before=before.timestamp()))

    async def exists(self, key: str) -> bool:
        path = self._path(checked_key(key))
        return await self._threads.run(path.is_file)

    async def list(self, prefix: str, *, after: str = "") -> AsyncGenerator[StoredObject, None]:
        """In the order of keys, a batch at a time; what changes meanwhile may be missed."""
        folder, _, _ = checked_prefix(prefix).rpartition("/")
        above = f"{folder}/" if folder else ""
        found = _walk(self._path(folder), above, prefix=prefix, after=after)
        while batch := await self._threads.run(lambda: tuple(islice(found, BATCH))):
            for stored in batch:
                yield stored

    def signed_url(self, key: str, *, seconds: int = 300) -> str:
        """Raise ValueError unless it is for a second to a week."""
        if not 1 <= seconds <= MAX_URL_SECONDS:
            raise ValueError("a signed URL holds for a second to a week")
        expires = int(self._clock()) + seconds
        query = urlencode({"expires": expires, "signature": self._sign(checked_key(key), expires)})
        return f"{self._base_url}/media/signed/{key}?{query}"

    def verify(self, key: str, *, expires: str, signature: str, now: float) -> bool:
        """Whether we signed this URL and it still holds at `now`, in Unix seconds. Never raises."""
        if not (expires.isascii() and expires.isdigit() and len(expires) <= 12):
            return False
        wanted = self._sign(key, int(expires)).encode()
        genuine = hmac.compare_digest(wanted, signature.encode("utf-8", "surrogatepass"))
        return genuine and now < int(expires)

    async def close(self) -> None:
        await self._threads.close()

    def _sign(self, key: str, expires: int) -> str:
        message = f"GET\n{key}\n{expires}".encode("utf-8", "surrogatepass")
        return hmac.new(self._signing_key, message, hashlib.sha256).hexdigest()

    def _path(self, key: str) -> Path:
        return self._directory.joinpath(*key.split("/")) if key else self._directory

    def _write(self, path: Path, data: bytes) -> None:
        """A file of another name first, so that a reader sees the old bytes or the new."""
        partial = self._directory / PARTIAL / secrets.token_hex(16)
        try:
            partial.parent.mkdir(parents=True, exist_ok=True)
            path.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
            _sync_folder(path.parent)
        except OSError as e:
            with contextlib.suppress(OSError):  # the first error counts; a sweep takes the rest
                partial.unlink()
            raise Unavailable("The file could not be stored.") from e


def _read(path: Path, *, max_bytes: int | None) -> bytes:
    try:
        with path.open("rb") as file:
            if max_bytes is not None and os.fstat(file.fileno()).st_size > max_bytes:
                raise TooLarge(f"The file has more than {max_bytes} bytes.")
            return file.read()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as e:
        raise NotFound("There is no such file.") from e


def _unlink_old(path: Path, *, before: float) -> bool:
    """`before` in Unix seconds."""
    try:
        if path.stat().st_mtime >= before:
            return False
    except (FileNotFoundError, NotADirectoryError):
        return True
    path.unlink(missing_ok=True)
    return True


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _walk(folder: Path, above: str, *, prefix: str, after: str) -> Iterator[StoredObject]:
    """Keys in the order of their characters, as Amazon lists them."""
    for name, file in _entries(folder):
        key = above + name
        if file is None and _may_hold(key, prefix=prefix, after=after):
            yield from _walk(folder / name.rstrip("/"), key, prefix=prefix, after=after)
        elif file is not None and key > after and key.startswith(prefix):
            yield StoredObject(
                key=key,
                size=file.st_size,
                content_type=content_type_of(key),
                modified=datetime.fromtimestamp(file.st_mtime, UTC),
            )


def _may_hold(folder: str, *, prefix: str, after: str) -> bool:
    """Whether keys below `folder/` can begin with `prefix` and come behind `after`."""
    comes_behind = folder > after or after.startswith(folder)
    return comes_behind and (folder.startswith(prefix) or prefix.startswith(folder))


def _entries(folder: Path) -> list[tuple[str, os.stat_result | None]]:
    """Files with what is known of them; folders with a slash. Sorted as keys are."""
    found: dict[str, os.stat_result | None] = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir() and not entry.name.startswith("."):
                    found[f"{entry.name}/"] = None
                elif not entry.name.startswith("."):
                    with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                        found[entry.name] = entry.stat()
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as e:
        raise Unavailable("The stored files cannot be listed.") from e
    return sorted(found.items(), key=itemgetter(0))


def _sweep(folder: Path, *, before: float) -> None:
    """Remove what a process that died was writing."""
    if not folder.is_dir():
        return
    for partial in folder.iterdir():
        try:
            if partial.stat().st_mtime < before:
                partial.unlink()
        except FileNotFoundError:
            continue  # another process swept it, or finished writing it

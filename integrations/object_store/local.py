"""Files in a directory: whole or not at all, and readable from outside by signed URLs only."""

import contextlib
import os
import secrets
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from urllib.parse import urlencode

from domain.errors import Invalid, NotFound, RuleViolation, TooLarge, Unavailable
from domain.ports.files import DirectUpload, StoredObject
from integrations.object_store.keys import (
    MAX_OBJECT_BYTES,
    checked_key,
    checked_prefix,
    checked_seconds,
    checked_type,
    checked_upload,
)
from integrations.object_store.signing import READ, Signer, UploadForm, has_expired
from integrations.object_store.walking import modified_at, walk
from integrations.threads import BoundedThreads

Read = Callable[[int], Awaitable[bytes]]
Place = Callable[[Path, Path], object]

PARTIAL = ".partial"
"""Folder of files that are being written; no key begins with a dot."""
PARTIAL_SECONDS = 3600
"""What is older was left by a process that died."""
BATCH = 500


class LocalObjectStore:
    """`domain.ports.files.ObjectStore` over a directory. The API serves `/media/signed/{key}`."""

    def __init__(
        self,
        directory: Path,
        *,
        base_url: str,
        signing_key: bytes,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` tells Unix seconds. Raise ValueError for a signing key under 32 bytes."""
        self._directory = directory
        self._base_url = base_url.rstrip("/")
        self._signer = Signer(signing_key)
        self._clock = clock
        self._threads = BoundedThreads("the file store", threads=4)
        self._folders = threading.Lock()
        """Held while a file is put into its folder, or a folder that it left empty is removed."""
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
        await self._threads.run(lambda: self._remove(path))

    async def delete_old(self, key: str, *, before: datetime) -> bool:
        path = self._path(checked_key(key))
        return await self._threads.run(lambda: self._remove_old(path, before=before))

    async def exists(self, key: str) -> bool:
        path = self._path(checked_key(key))
        return await self._threads.run(path.is_file)

    async def list(self, prefix: str, *, after: str = "") -> AsyncGenerator[StoredObject, None]:
        """In the order of keys, a batch at a time; what changes meanwhile may be missed."""
        folder, _, _ = checked_prefix(prefix).rpartition("/")
        above = f"{folder}/" if folder else ""
        found = walk(self._path(folder), above, prefix=prefix, after=after)
        while batch := await self._threads.run(lambda: tuple(islice(found, BATCH))):
            for stored in batch:
                yield stored

    def signed_url(self, key: str, *, seconds: int = 300) -> str:
        """Raise ValueError unless it is for a second to a week."""
        expires = str(int(self._clock()) + checked_seconds(seconds))
        signature = self._signer.sign(READ, checked_key(key), expires)
        query = urlencode({"expires": expires, "signature": signature})
        return f"{self._base_url}/media/signed/{key}?{query}"

    def verify(self, key: str, *, expires: str, signature: str, now: float) -> bool:
        """Whether we signed this URL and it still holds at `now`, in Unix seconds. Never raises."""
        is_ours = self._signer.is_genuine(signature, READ, key, expires)
        return is_ours and not has_expired(expires, now=now)

    def presigned_post(
        self, key: str, *, content_type: str, max_bytes: int, seconds: int = 300
    ) -> DirectUpload:
        """The API takes it at `/media/upload`. Unlike S3 it replaces no file that is there."""
        checked_upload(key, content_type, max_bytes=max_bytes, seconds=seconds)
        expires = int(self._clock()) + seconds
        form = UploadForm(
            key=key,
            content_type=content_type,
            max_bytes=str(max_bytes),
            expires=str(expires),
        )
        return DirectUpload(
            url=f"{self._base_url}/media/upload",
            fields=form.signed(self._signer),
            key=key,
            expires_at=datetime.fromtimestamp(expires, UTC),
        )

    async def receive(self, fields: Mapping[str, str], read: Read, *, now: float) -> None:
        """Store what a form of ours brings; `read(n)` gives at most n bytes of the file.

        Raise Forbidden for another form, TooLarge over its limit, Invalid for nothing at all,
        RuleViolation for a key that is there already.
        """
        form = UploadForm.of(fields)
        form.must_be_ours(self._signer, now=now)
        data = await read(int(form.max_bytes) + 1)
        if not 1 <= len(data) <= int(form.max_bytes):
            refusal = TooLarge if data else Invalid
            raise refusal(f"this form brings 1 to {form.max_bytes} bytes")
        path = self._path(form.key)
        await self._threads.run(lambda: self._write(path, data, place=_place_anew))

    async def close(self) -> None:
        await self._threads.close()

    def _path(self, key: str) -> Path:
        return self._directory.joinpath(*key.split("/")) if key else self._directory

    def _write(self, path: Path, data: bytes, *, place: Place = os.replace) -> None:
        """A file of another name first, so that a reader sees the old bytes or the new."""
        partial = self._directory / PARTIAL / secrets.token_hex(16)
        try:
            partial.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            self._put_there(partial, path, place=place)
        except OSError as e:
            raise Unavailable("The file could not be stored.") from e
        finally:
            with contextlib.suppress(OSError):  # the first error counts; a sweep takes the rest
                partial.unlink(missing_ok=True)

    def _put_there(self, partial: Path, path: Path, *, place: Place) -> None:
        """Another process may remove its folder meanwhile, with the last file in it: then once more."""
        for last in (False, False, False, True):
            try:
                with self._folders:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    place(partial, path)
            except FileNotFoundError:
                if last:
                    raise
            else:
                break
        with contextlib.suppress(FileNotFoundError):  # deleted by now
            _sync_folder(path.parent)

    def _remove_old(self, path: Path, *, before: datetime) -> bool:
        try:
            if modified_at(path.stat()) >= before:
                return False
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError as e:
            raise Unavailable("The file could not be looked at.") from e
        self._remove(path)
        return True

    def _remove(self, path: Path) -> None:
        """With the folders that it leaves empty: their names hold a person's id."""
        try:
            path.unlink(missing_ok=True)
        except NotADirectoryError:
            return
        except OSError as e:
            raise Unavailable("The file could not be deleted.") from e
        above = path.relative_to(self._directory).parents
        with self._folders, contextlib.suppress(OSError):  # something is in it, or it is gone
            for folder in list(above)[:-1]:
                (self._directory / folder).rmdir()


def _place_anew(partial: Path, path: Path) -> None:
    """Raise RuleViolation when there is a file already, also one that came this very moment."""
    try:
        os.link(partial, path)
    except FileExistsError as e:
        raise RuleViolation("a file was brought by this form already", code="file-exists") from e


def _read(path: Path, *, max_bytes: int | None) -> bytes:
    try:
        with path.open("rb") as file:
            if max_bytes is not None and os.fstat(file.fileno()).st_size > max_bytes:
                raise TooLarge(f"The file has more than {max_bytes} bytes.")
            return file.read()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as e:
        raise NotFound("There is no such file.") from e


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


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

"""What an object may be called, and what is in it, told by its name.

Folders have no dots and files have an extension, so no file is ever in the way of a folder, and
`..` cannot be written. The extension says the type: a listing needs no question per object.
"""

import hashlib
import re

from domain.errors import Invalid

MAX_KEY_LENGTH = 512
MAX_OBJECT_BYTES = 100 * 1024 * 1024
MAX_URL_SECONDS = 7 * 24 * 3600
"""S3's own limit for a presigned URL."""
CACHED = "private, max-age=300"
"""Cache-Control of a file behind a signed URL."""
_FOLDER = r"[A-Za-z0-9_-]{1,100}"
_KEY = re.compile(
    rf"(?:{_FOLDER}/)*{_FOLDER}(?:\.[A-Za-z0-9_-]{{1,50}})*\.[a-z0-9]{{1,8}}", re.ASCII
)
_PREFIX = re.compile(rf"(?:{_FOLDER}/)*[A-Za-z0-9_.-]{{0,100}}", re.ASCII)

CONTENT_TYPES = {
    "avif": "image/avif",
    "bin": "application/octet-stream",
    "csv": "text/csv",
    "heic": "image/heic",
    "jpg": "image/jpeg",
    "json": "application/json",
    "npz": "application/x-npz",
    "pdf": "application/pdf",
    "png": "image/png",
    "txt": "text/plain",
    "webp": "image/webp",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip": "application/zip",
}


def content_key(prefix: str, data: bytes, extension: str) -> str:
    """`prefix/ab/abcd….jpg`, named by the SHA-256 of the bytes: the same bytes are stored once."""
    digest = hashlib.sha256(data).hexdigest()
    return checked_key(f"{prefix}/{digest[:2]}/{digest}.{extension}")


def checked_key(key: str) -> str:
    """Raise Invalid unless it is a key with an extension of ours."""
    if len(key) > MAX_KEY_LENGTH or not _KEY.fullmatch(key) or _extension(key) not in CONTENT_TYPES:
        raise Invalid("That is not the name of a stored file.", code="object-key")
    return key


def checked_prefix(prefix: str) -> str:
    """Raise Invalid unless keys may begin so. It may end within a name, and may be empty."""
    if len(prefix) > MAX_KEY_LENGTH or not _PREFIX.fullmatch(prefix) or ".." in prefix:
        raise Invalid("No stored file's name begins so.", code="object-key")
    return prefix


def content_type_of(key: str) -> str:
    return CONTENT_TYPES.get(_extension(key), "application/octet-stream")


def checked_type(key: str, content_type: str) -> None:
    """Raise Invalid when the name's extension says another type."""
    bare = content_type.split(";", maxsplit=1)[0].strip().lower()
    if content_type_of(key) != bare:
        raise Invalid(f"A file named {key} is not {bare}.", code="object-type")


def checked_seconds(seconds: int) -> int:
    """Raise ValueError unless it is a second to a week."""
    if not 1 <= seconds <= MAX_URL_SECONDS:
        raise ValueError("a signed URL holds for a second to a week")
    return seconds


def checked_upload(key: str, content_type: str, *, max_bytes: int, seconds: int) -> None:
    """Raise Invalid for a wrong name or type, ValueError for a limit that is none."""
    checked_type(checked_key(key), content_type)
    checked_seconds(seconds)
    if not 1 <= max_bytes <= MAX_OBJECT_BYTES:
        raise ValueError(f"a direct upload has 1 to {MAX_OBJECT_BYTES} bytes")


def content_disposition(key: str) -> str:
    """Pictures are shown; everything else is saved, never opened as a page of ours."""
    manner = "inline" if content_type_of(key).startswith("image/") else "attachment"
    return f'{manner}; filename="{key.rpartition("/")[2]}"'


def _extension(key: str) -> str:
    return key.rpartition(".")[2]

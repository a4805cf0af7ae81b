"""What an object may be called, and what is in it, told by its name.

Folders have no dots and files have an extension, so no file is ever in the way of a folder, and
`..` cannot be written. The extension says the type: a listing needs no question per object.
"""

import hashlib
import re

from domain.errors import Invalid

MAX_KEY_LENGTH = 512
_FOLDER = r"[A-Za-z0-9_-]{1,100}"
_KEY = re.compile(
    rf"(?:{_FOLDER}/)*{_FOLDER}(?:\.[A-Za-z0-9_-]{{1,50}})*\.[a-z0-9]{{1,8}}", re.ASCII
)
_PREFIX = re.compile(rf"(?:{_FOLDER}/)*[A-Za-z0-9_.-]{{0,100}}", re.ASCII)

CONTENT_TYPES = {
    "bin": "application/octet-stream",
    "csv": "text/csv",
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


def _extension(key: str) -> str:
    return key.rpartition(".")[2]

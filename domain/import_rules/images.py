"""Addresses of pictures, several in a cell separated by `|`. Here only their form is checked.

Whether a host may be reached at all is decided where pictures are fetched, after its name is resolved.
"""

import re
from urllib.parse import SplitResult, urlsplit

from domain.import_rules.problems import CellRefused
from domain.import_rules.words import trimmed

MAX_IMAGES = 20
MAX_URL_CHARS = 2_048
MEDIA = "/media/"
"""Where our own site serves pictures that are already uploaded."""

FORBIDDEN = re.compile(r"[\s\\<>\"`\x00-\x20\x7f]")
HOST = re.compile(r"[^\s/@:?#%]+")


def parse_images(text: str) -> tuple[str, ...]:
    """At least one address, each once, in the file's order. Raise CellRefused with a code `image-…`."""
    addresses = tuple(dict.fromkeys(filter(None, map(trimmed, text.split("|")))))
    if not addresses:
        raise CellRefused("is required", code="image-missing")
    if len(addresses) > MAX_IMAGES:
        raise CellRefused(f"has more than {MAX_IMAGES} addresses", code="image-too-many")
    for address in addresses:
        _check(address)
    return addresses


def _check(address: str) -> None:
    shown = repr(address[:60])
    if len(address) > MAX_URL_CHARS:
        raise CellRefused(f"{shown} is longer than {MAX_URL_CHARS} characters", code="image-url")
    if FORBIDDEN.search(address):
        raise CellRefused(f"{shown} has a space or sign that no URL may have", code="image-url")
    if address.startswith("/"):
        _check_path(address, shown)
    else:
        _check_url(_split(address, shown), shown)


def _check_path(path: str, shown: str) -> None:
    steps = path.removeprefix(MEDIA).split("/")
    if (
        not path.startswith(MEDIA)
        or path.endswith("/")
        or {"", ".", ".."} & set(steps)
        or "%" in path
    ):
        raise CellRefused(f"{shown} must be a plain path under {MEDIA}", code="image-path")


def _split(address: str, shown: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError as e:
        raise CellRefused(f"{shown} is not a URL", code="image-url") from e
    return parts


def _check_url(parts: SplitResult, shown: str) -> None:
    if parts.scheme not in {"http", "https"}:
        raise CellRefused(f"{shown} must begin with https:// or http://", code="image-scheme")
    if "@" in parts.netloc:
        raise CellRefused(f"{shown} must not carry a user name", code="image-userinfo")
    if parts.hostname is None or not _is_host(parts.hostname):
        raise CellRefused(f"{shown} names no host", code="image-url")


def _is_host(host: str) -> bool:
    return ":" in host or HOST.fullmatch(host) is not None

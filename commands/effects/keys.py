"""What files are called in the object store: each name is made here, and recognised here.

`overlays/{product}/{content}.png` · `results/{user}/{result}/{revision}-{content}.jpg`. `content` is the
beginning of the SHA-256 of the bytes: to store the same twice changes nothing.
"""

import re

from domain.values import ProductId, ResultId, UserId

CONTENT_DIGITS = 32
OVERLAY = re.compile(r"overlays/([0-9a-f]{24})/[0-9a-f]{32}\.png")
RESULT = re.compile(r"results/([0-9a-f]{24})/([0-9a-f]{24})/[A-Za-z0-9._/-]{1,200}")
"""Any file of a result, whatever its own name."""
REVISION = re.compile(r"([0-9]{1,6})-[0-9a-f]{32}\.jpg")
"""The name of a result's picture: the revision that it shows, and its content."""


def overlay_key(product_id: ProductId, sha256: str) -> str:
    return f"overlays/{product_id}/{sha256[:CONTENT_DIGITS]}.png"


def is_overlay_of(product_id: ProductId, key: str) -> bool:
    found = OVERLAY.fullmatch(key)
    return found is not None and found[1] == product_id


def folder_of_result(user_id: UserId, result_id: ResultId) -> str:
    return f"results/{user_id}/{result_id}/"


def result_key(user_id: UserId, result_id: ResultId, *, revision: int, sha256: str) -> str:
    return f"{folder_of_result(user_id, result_id)}{revision}-{sha256[:CONTENT_DIGITS]}.jpg"


def revision_of(key: str) -> int:
    """Of a result's picture; 0 for a name of another form."""
    found = REVISION.fullmatch(key.rpartition("/")[2])
    return int(found[1]) if found else 0


def content_of(key: str) -> str:
    """The digits of the content in the name of a result's picture."""
    return key.rpartition("-")[2].removesuffix(".jpg")


def display_name(name: str) -> str:
    """What the file was called, fit to be shown: no path, no control characters, 120 characters."""
    bare = name.replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in bare if c.isprintable()).strip()[:120] or "photograph"

"""The files of a directory in the order of their keys, from any place on."""

import contextlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path

from domain.errors import Unavailable
from domain.ports.files import StoredObject
from integrations.object_store.keys import content_type_of


def walk(folder: Path, above: str, *, prefix: str, after: str) -> Iterator[StoredObject]:
    """Keys in the order of their characters, as Amazon lists them."""
    for name, file in _entries(folder):
        key = above + name
        if file is None and _may_hold(key, prefix=prefix, after=after):
            yield from walk(folder / name.rstrip("/"), key, prefix=prefix, after=after)
        elif file is not None and key > after and key.startswith(prefix):
            yield StoredObject(
                key=key,
                size=file.st_size,
                content_type=content_type_of(key),
                modified=modified_at(file),
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


def modified_at(file: os.stat_result) -> datetime:
    return datetime.fromtimestamp(file.st_mtime, UTC)

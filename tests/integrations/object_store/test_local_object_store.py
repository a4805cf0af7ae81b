"""Signed URLs of the local store, and what a process that died leaves behind."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from domain.errors import Forbidden, RuleViolation, TooLarge, Unavailable
from integrations.object_store.local import LocalObjectStore, Read

NOW = 1_790_000_000.0
KEY = b"k" * 32


def store_in(directory: Path, signing_key: bytes = KEY) -> LocalObjectStore:
    return LocalObjectStore(
        directory, base_url="https://shop.example", signing_key=signing_key, clock=lambda: NOW
    )


def parts(url: str) -> tuple[str, str, str]:
    split = urlsplit(url)
    query = parse_qs(split.query)
    return split.path.removeprefix("/media/signed/"), query["expires"][0], query["signature"][0]


def test_a_signed_url_is_read_until_it_expires(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    url = store.signed_url("photos/a.jpg", seconds=300)
    key, expires, signature = parts(url)
    assert url.startswith("https://shop.example/media/signed/photos/a.jpg?")
    assert store.verify(key, expires=expires, signature=signature, now=NOW + 299)
    assert not store.verify(key, expires=expires, signature=signature, now=NOW + 300)


def test_a_changed_url_is_refused(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    key, expires, signature = parts(store.signed_url("photos/a.jpg"))
    later = str(int(expires) + 1)
    for changed in [
        ("photos/b.jpg", expires, signature),
        (key, later, signature),
        (key, f"0{expires}", signature[:-1]),
        (key, expires, signature.upper()),
        (key, expires, ""),
        (key, expires, "é"),
        (key, expires, "\udcff" * 64),
        (key, "never", signature),
        (key, "-1", signature),
        (key, "", signature),
        (key, "٣" * 10, signature),
        (key, "9" * 5000, signature),
        ("\udcff", expires, signature),
    ]:
        given_key, given_expires, given_signature = changed
        assert not store.verify(
            given_key, expires=given_expires, signature=given_signature, now=NOW
        )


def test_another_shops_key_signs_nothing_here(tmp_path: Path) -> None:
    key, expires, signature = parts(store_in(tmp_path, b"o" * 32).signed_url("photos/a.jpg"))
    assert not store_in(tmp_path).verify(key, expires=expires, signature=signature, now=NOW)


def test_a_short_signing_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        store_in(tmp_path, b"short")


def reading(data: bytes) -> Read:
    async def read(size: int) -> bytes:
        return data[:size]

    return read


async def test_a_form_brings_one_file_and_replaces_none(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    form = store.presigned_post("a.jpg", content_type="image/jpeg", max_bytes=9)
    await store.receive(form.fields, reading(b"one"), now=NOW)
    with pytest.raises(RuleViolation, match="already"):
        await store.receive(form.fields, reading(b"two"), now=NOW)
    assert await store.get("a.jpg") == b"one"
    assert list((tmp_path / ".partial").iterdir()) == []
    await store.close()


async def test_of_many_files_by_one_form_at_once_one_is_kept(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    form = store.presigned_post("a.jpg", content_type="image/jpeg", max_bytes=9)
    came = await asyncio.gather(
        *(store.receive(form.fields, reading(b"%d" % n), now=NOW) for n in range(8)),
        return_exceptions=True,
    )
    assert sum(outcome is None for outcome in came) == 1
    assert {type(outcome) for outcome in came if outcome is not None} == {RuleViolation}
    await store.close()


async def test_no_more_of_a_file_is_read_than_a_form_allows(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    form = store.presigned_post("a.jpg", content_type="image/jpeg", max_bytes=9)
    asked: list[int] = []

    async def read(size: int) -> bytes:
        asked.append(size)
        return b"x" * size

    with pytest.raises(TooLarge):
        await store.receive(form.fields, read, now=NOW)
    with pytest.raises(Forbidden):
        await store.receive({**form.fields, "max-bytes": "99"}, read, now=NOW)
    with pytest.raises(Forbidden):
        await store.receive(form.fields, read, now=NOW + 300)
    assert asked == [10]
    await store.close()


def test_a_link_is_no_form_and_a_form_no_link(tmp_path: Path) -> None:
    """Purposes are part of what is signed."""
    store = store_in(tmp_path)
    form = store.presigned_post("a.jpg", content_type="image/jpeg", max_bytes=9)
    expires, signature = form.fields["expires"], form.fields["signature"]
    for key in ("a.jpg", "a.jpg\nimage/jpeg\n9"):
        assert not store.verify(key, expires=expires, signature=signature, now=NOW)


async def test_files_lie_under_their_keys(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    await store.put("photos/a.jpg", b"photo", content_type="image/jpeg")
    assert (tmp_path / "photos" / "a.jpg").read_bytes() == b"photo"
    assert list((tmp_path / ".partial").iterdir()) == []
    await store.close()


async def test_what_a_dead_process_was_writing_is_swept(tmp_path: Path) -> None:
    partial = tmp_path / ".partial"
    partial.mkdir()
    old, fresh = partial / "old", partial / "fresh"
    for file, age in ((old, 7200), (fresh, 60)):
        file.write_bytes(b"half")
        os.utime(file, (NOW - age, NOW - age))
    store = store_in(tmp_path)
    assert [stored async for stored in store.list("")] == []
    assert [file.name for file in partial.iterdir()] == ["fresh"]
    await store.close()


async def test_a_store_that_cannot_write_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "objects").write_bytes(b"a file where the directory should be")
    store = store_in(tmp_path / "objects")
    with pytest.raises(Unavailable):
        await store.put("a.jpg", b"x", content_type="image/jpeg")
    await store.close()


async def test_a_folder_that_cannot_be_read_is_unavailable_and_not_empty(tmp_path: Path) -> None:
    """Else whatever lies there would seem to be gone."""
    store = store_in(tmp_path)
    (tmp_path / "photos").symlink_to(tmp_path / "photos")
    with pytest.raises(Unavailable):
        _ = [stored async for stored in store.list("photos/")]
    await store.close()


# --- Deleting ------------------------------------------------------------------------------------


async def test_a_deleted_file_leaves_no_folder_that_names_its_owner(tmp_path: Path) -> None:
    store = store_in(tmp_path / "store")
    for key in ("photos/ann/1/original.jpg", "photos/ann/1/small.jpg", "photos/bob/2/small.jpg"):
        await store.put(key, b"x", content_type="image/jpeg")
    await store.delete("photos/ann/1/small.jpg")
    assert (tmp_path / "store/photos/ann/1").is_dir()
    before = datetime.now(UTC) + timedelta(hours=1)
    assert await store.delete_old("photos/ann/1/original.jpg", before=before)
    assert [folder.name for folder in (tmp_path / "store/photos").iterdir()] == ["bob"]
    await store.delete("photos/bob/2/small.jpg")
    await store.delete("photos/bob/2/small.jpg")
    assert [each.name for each in (tmp_path / "store").iterdir()] == [".partial"]
    await store.close()


async def test_files_come_and_go_in_one_folder_and_none_is_lost(tmp_path: Path) -> None:
    """A folder that empties is removed while the next file is on its way into it."""
    store = store_in(tmp_path)

    async def come_and_go(name: str) -> None:
        for _ in range(60):
            await store.put(f"photos/ann/{name}.jpg", b"x", content_type="image/jpeg")
            assert await store.get(f"photos/ann/{name}.jpg") == b"x"
            await store.delete(f"photos/ann/{name}.jpg")

    await asyncio.gather(*map(come_and_go, "abc"))
    assert not (tmp_path / "photos").exists()
    await store.close()


async def test_what_cannot_be_deleted_is_unavailable(tmp_path: Path) -> None:
    """A folder of that name stands for a disk that refuses."""
    store = store_in(tmp_path)
    (tmp_path / "a.jpg").mkdir()
    with pytest.raises(Unavailable):
        await store.delete("a.jpg")
    with pytest.raises(Unavailable):
        await store.delete_old("a.jpg", before=datetime.now(UTC) + timedelta(hours=1))
    await store.close()


async def test_what_cannot_be_looked_at_is_unavailable(tmp_path: Path) -> None:
    """A link that leads to itself."""
    store = store_in(tmp_path)
    (tmp_path / "a.jpg").symlink_to(tmp_path / "a.jpg")
    with pytest.raises(Unavailable):
        await store.delete_old("a.jpg", before=datetime.now(UTC))
    await store.close()

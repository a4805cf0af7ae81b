"""What imaging does by itself: late, doubled or overtaken, it shows the right picture and no other."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from commands.context import system_context
from commands.effects.erasing import erase
from commands.effects.rendering import DEMO_URL, overlay_bytes
from commands.reactions.analysing import uploaded_photograph_is_analysed
from commands.reactions.picturing import (
    requested_try_on_is_rendered,
    saved_result_is_rendered_in_full_size,
)
from commands.reactions.retention import remove_expired_pictures
from commands.unit_of_work import UnitOfWork, run
from domain.errors import ImagingFailed, NotFound, TooLarge
from domain.tryon import TryOn
from domain.tryon_events import TryOnSaved
from imaging.errors import ImageRefused
from imaging.several import LeftOut
from imaging.types import PIPELINE_VERSION
from tests.api import Api, Person
from tests.buying import ok, react, refused
from tests.trying_on import (
    FOUND,
    HAND_ALONE,
    HEIGHT,
    NOBODY,
    Studio,
    jpeg,
    key_of,
    objects,
    photographed,
    tried_on,
    upload,
    wearable,
    with_studio,
    work,
)

Meanwhile = Callable[[], Awaitable[Any]]


class Interrupted(Studio):
    """While it renders, something else happens, once."""

    def __init__(self, meanwhile: Meanwhile, *, during: str = "render_pieces") -> None:
        super().__init__()
        self.meanwhile: Meanwhile | None = meanwhile
        self.during = during

    async def run(self, function: str, *arguments: Any, **options: Any) -> Any:
        made = await super().run(function, *arguments, **options)
        if function == self.during and self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
        return made


def interrupted(api: Api, meanwhile: Meanwhile, *, during: str = "render_pieces") -> None:
    with_studio(api, Interrupted(meanwhile, during=during))


async def asked(api: Api) -> tuple[Person, str]:
    """Somebody who waits for a result; its address."""
    with_studio(api)
    person, product = await api.customer(), await wearable(api)
    image = await photographed(api, person)
    body = {"productId": product["id"], "userImageId": image["id"]}
    result = ok(await person.client.post("/api/try-on/create", json=body), 201)
    return person, f"/api/try-on/results/{result['id']}"


async def forget(api: Api, person: Person) -> None:
    await erase(person.id, system_context("ErasePerson", correlation="test"), api.services)


async def test_face_and_neck_are_looked_for_once(api: Api) -> None:
    studio = with_studio(api)
    image = await photographed(api, await api.customer())
    found = image["metadata"]
    assert (image["status"], found["faceDetected"]) == ("ready", True)
    assert found["neckPosition"] == {"x": 20, "y": 40, "width": 20, "height": 10}
    for _ in range(2):
        await work(api)
    assert (await api.topics()).count("ImageProcessed") == 1
    assert studio.asked == ["prepare_photo", "analyse_photo"]


async def test_a_photograph_of_nobody_cannot_be_worn_on(api: Api) -> None:
    with_studio(api).found = NOBODY
    person = await api.customer()
    image = await photographed(api, person)
    assert (image["status"], image["metadata"]["faceDetected"]) == ("ready", False)
    assert image["metadata"]["reasons"] == ["no-face"]
    body = {"productId": (await wearable(api))["id"], "userImageId": image["id"]}
    answer = await person.client.post("/api/try-on/create", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "no-face")


async def test_a_photograph_that_cannot_be_looked_at_is_rejected_with_the_reason(
    api: Api,
) -> None:
    studio = with_studio(api)
    person = await api.customer()
    image = ok(await upload(person), 201)
    studio.refusal = ImageRefused("unreadable-image", "It has no end.")
    await work(api)
    seen = ok(await person.client.get(f"/api/images/{image['id']}"))
    assert (seen["status"], seen["metadata"]["reasons"]) == (
        "rejected",
        ["unreadable-image", "It has no end."],
    )


async def test_a_photograph_whose_bytes_are_lost_is_rejected(api: Api) -> None:
    with_studio(api)
    person = await api.customer()
    image = ok(await upload(person), 201)
    await api.services.objects.delete(key_of(image["originalUrl"]))
    await work(api)
    seen = ok(await person.client.get(f"/api/images/{image['id']}"))
    assert seen["status"] == "rejected"


@pytest.mark.parametrize(
    ("poison", "code"),
    [(ImagingFailed("code -11"), "imaging-failed"), (TooLarge("x"), "too-large")],
)
async def test_a_poisoned_photograph_is_rejected_and_stops_nobody_else(
    api: Api, poison: Exception, code: str
) -> None:
    studio = with_studio(api)
    person = await api.customer()
    poisoned = ok(await upload(person, b"poison"), 201)
    studio.refusal = poison
    await work(api)
    studio.refusal = None
    assert (await photographed(api, person, b"another"))["status"] == "ready"
    seen = ok(await person.client.get(f"/api/images/{poisoned['id']}"))
    assert (seen["status"], seen["metadata"]["reasons"][0]) == ("rejected", code)
    assert "code -11" not in str(seen)


async def test_a_process_that_something_else_ended_is_asked_once_more(api: Api) -> None:
    person, address = await asked(api)

    class Unlucky(Studio):
        async def run(self, function: str, *arguments: Any, **options: Any) -> Any:
            made = await super().run(function, *arguments, **options)
            if self.asked == ["render_pieces"]:
                raise ImagingFailed("killed")
            return made

    studio = with_studio(api, Unlucky())
    await work(api)
    assert ok(await person.client.get(address))["status"] == "ready"
    assert studio.asked == ["render_pieces", "render_pieces"]


@pytest.mark.parametrize(
    ("poison", "code"),
    [(ImagingFailed("code -11"), "imaging-failed"), (TooLarge("x"), "too-large")],
)
async def test_a_try_on_that_kills_imaging_fails_and_the_next_one_is_rendered(
    api: Api, poison: Exception, code: str
) -> None:
    person, address = await asked(api)
    studio = with_studio(api)
    studio.refusal = poison
    await work(api)
    assert ok(await person.client.get(address))["failure"]["code"] == code
    studio.refusal = None
    other, next_one = await asked(api)
    await work(api)
    assert ok(await other.client.get(next_one))["status"] == "ready"


async def test_the_face_that_was_chosen_for_a_result_wears_the_piece(api: Api) -> None:
    person, address = await asked(api)
    await work(api)
    automatic = ok(await person.client.get(address))
    ok(await person.client.put(address, json={"adjustments": {"face": 1}}))
    studio = with_studio(api)
    await work(api)
    assert studio.asked[-2:] == ["analyse_photo", "render_pieces"]
    chosen = ok(await person.client.get(address))
    assert (chosen["status"], chosen["adjustments"]["face"]) == ("ready", 1)
    pictures = [(await api.client.get(r["resultImageUrl"])).content for r in (automatic, chosen)]
    assert pictures[0] != pictures[1]
    image = ok(await person.client.get(f"/api/images/{chosen['userImageId']}"))
    assert image["metadata"]["primaryFace"] == 0


async def test_the_photographs_own_face_costs_no_second_look(api: Api) -> None:
    person, address = await asked(api)
    ok(await person.client.put(address, json={"adjustments": {"face": 0}}))
    studio = with_studio(api)
    await work(api)
    assert studio.asked == ["render_pieces"]


async def test_a_face_that_turns_out_not_to_be_there_fails_the_try_on(api: Api) -> None:
    with_studio(api)
    person, product = await api.customer(), await wearable(api)
    image = ok(await upload(person), 201)
    body = {
        "productId": product["id"],
        "userImageId": image["id"],
        "adjustments": {"face": 2},
    }
    result = ok(await person.client.post("/api/try-on/create", json=body), 201)
    await react(api, requested_try_on_is_rendered)
    failed = ok(await person.client.get(f"/api/try-on/results/{result['id']}"))
    assert (failed["status"], failed["failure"]["code"]) == ("failed", "no-such-face")


@pytest.mark.parametrize("code", ["not-wearable-here", "too-large"])
async def test_a_try_on_that_cannot_be_rendered_says_why(api: Api, code: Any) -> None:
    person, address = await asked(api)
    with_studio(api).refusal = ImageRefused(code, "There is no room for it.")
    await work(api)
    result = ok(await person.client.get(address))
    assert result["status"] == "failed"
    assert result["failure"] == {"code": code, "reason": "There is no room for it."}


async def test_without_a_neck_there_is_nothing_to_hang_it_on(api: Api) -> None:
    studio = with_studio(api)
    person, product = await api.customer(), await wearable(api)
    image = ok(await upload(person), 201)
    body = {"productId": product["id"], "userImageId": image["id"]}
    result = ok(await person.client.post("/api/try-on/create", json=body), 201)
    studio.found = NOBODY
    await react(api, requested_try_on_is_rendered)
    failed = ok(await person.client.get(f"/api/try-on/results/{result['id']}"))
    assert failed["failure"]["code"] == "no-neck"


@pytest.mark.parametrize("kind", ["earrings", "nose_pin", "maang_tikka"])
async def test_without_a_neck_the_head_wears_what_is_worn_there(api: Api, kind: str) -> None:
    with_studio(api).found = replace(FOUND, neck=None)
    person, product = await api.customer(), await wearable(api, productType=kind)
    result = await tried_on(api, person, await photographed(api, person), product)
    assert result["status"] == "ready"


async def test_a_piece_that_cannot_be_worn_is_left_out_and_the_result_says_so(api: Api) -> None:
    with_studio(api).left_out = (LeftOut(1, "not-wearable-here", "no ear is seen"),)
    person, product = await api.customer(), await wearable(api)
    result = await tried_on(api, person, await photographed(api, person), product)
    assert result["status"] == "ready"
    assert result["leftOut"] == [
        {"index": 1, "code": "not-wearable-here", "message": "no ear is seen"}
    ]


async def test_a_ring_needs_a_hand_and_no_face(api: Api) -> None:
    studio = with_studio(api)
    person, ring = await api.customer(), await wearable(api, productType="ring")
    studio.found = HAND_ALONE
    image = await photographed(api, person)
    assert image["metadata"]["faceDetected"] is False
    result = await tried_on(api, person, image, ring)
    assert result["status"] == "ready"


async def test_a_ring_on_a_photograph_without_a_hand_says_so(api: Api) -> None:
    studio = with_studio(api)
    person, ring = await api.customer(), await wearable(api, productType="ring")
    studio.found = replace(FOUND, hands=())
    result = await tried_on(api, person, await photographed(api, person), ring)
    assert result["failure"] == {
        "code": "not-wearable-here",
        "reason": "no hand is seen on the photograph",
    }


async def test_a_failed_try_on_may_be_adjusted_and_succeed(api: Api) -> None:
    person, address = await asked(api)
    studio = with_studio(api)
    studio.refusal = ImageRefused("not-wearable-here", "There is no room for it.")
    await work(api)
    studio.refusal = None
    ok(await person.client.put(address, json={"adjustments": {"scale": 0.5}}))
    await work(api)
    result = ok(await person.client.get(address))
    assert (result["status"], result["failure"]) == ("ready", None)


async def test_a_doubled_message_renders_the_same_picture_once(api: Api) -> None:
    _, _ = await asked(api)
    for _ in range(3):
        await work(api)
    assert (await api.topics()).count("TryOnRendered") == 1
    assert len(await objects(api, "results/")) == 1


async def test_a_late_picture_of_an_older_question_is_ignored(api: Api) -> None:
    """While it renders, the customer moves the piece."""
    person, address = await asked(api)

    async def move() -> None:
        ok(await person.client.put(address, json={"adjustments": {"scale": 2}}))

    interrupted(api, move)
    await work(api)
    result = ok(await person.client.get(address))
    assert (result["status"], result["revision"]) == ("ready", 2)
    rendered = [r.event for r in await api.store.history() if r.type == "TryOnRendered"]
    assert [event.model_dump()["revision"] for event in rendered] == [2]
    assert await objects(api, "results/") == [key_of(result["resultImageUrl"])]


async def test_what_was_deleted_while_it_was_rendered_leaves_no_picture(api: Api) -> None:
    person, address = await asked(api)

    async def delete() -> None:
        assert (await person.client.delete(address)).status_code == 204
        await work(api)

    interrupted(api, delete)
    await work(api)
    assert await objects(api, "results/") == []
    assert "TryOnRendered" not in await api.topics()


@pytest.mark.parametrize("during", ["render_pieces", "analyse_photo"])
async def test_who_was_forgotten_while_it_was_rendered_leaves_no_picture(
    api: Api, during: str
) -> None:
    with_studio(api)
    person, product = await api.customer(), await wearable(api)
    image = ok(await upload(person), 201)
    body = {"productId": product["id"], "userImageId": image["id"]}
    ok(await person.client.post("/api/try-on/create", json=body), 201)

    async def leave() -> None:
        await forget(api, person)
        await work(api)

    interrupted(api, leave, during=during)
    await react(api, requested_try_on_is_rendered, uploaded_photograph_is_analysed)
    await work(api)
    assert await objects(api) == []
    assert await api.services.read_models["uploadedImages"].count_documents({}) == 0
    assert await api.services.read_models["tryOnResults"].count_documents({}) == 0


async def test_a_forgotten_person_leaves_no_pictures(api: Api) -> None:
    with_studio(api)
    person, other = await api.customer(), await api.customer()
    product = await wearable(api)
    for each in (person, other):
        await tried_on(api, each, await photographed(api, each), product)
    await forget(api, person)
    await work(api)
    left = await objects(api)
    assert left
    assert all(other.id in key for key in left)


async def test_a_product_that_lost_its_overlay_fails_its_try_on(api: Api) -> None:
    person, address = await asked(api)
    admin = await api.admin()
    product = ok(await person.client.get(address))["productId"]
    key = f"overlays/{product}/{'0' * 32}.png"
    await api.services.objects.put(key, b"x", content_type="image/png")
    missing = {
        "image": f"object:{key}",
        "width": 8,
        "height": 8,
        "widthMm": 1,
        "pxPerMm": 1,
    }
    overlay = f"/api/products/{product}/overlay"
    ok(await admin.client.put(overlay, json=missing, headers={"If-Match": "*"}))
    await api.services.objects.delete(key)
    await work(api)
    assert ok(await person.client.get(address))["failure"]["code"] == "picture-missing"


async def test_an_overlay_is_one_of_the_demos_or_an_object_of_ours(api: Api) -> None:
    demo = await overlay_bytes(f"{DEMO_URL}pearl-strand.png", api.services)
    assert demo.startswith(b"\x89PNG")
    await api.services.objects.put("overlays/a.png", jpeg(b"a"), content_type="image/png")
    assert await overlay_bytes("object:overlays/a.png", api.services) == jpeg(b"a")
    for image in (f"{DEMO_URL}../catalogue.csv", f"{DEMO_URL}none.png", "object:overlays/b.png"):
        with pytest.raises(NotFound):
            await overlay_bytes(image, api.services)


# --- The full size -------------------------------------------------------------------------------


async def saved(api: Api) -> tuple[Person, str]:
    """Somebody with a result that was saved, and rendered in full size."""
    person, address = await asked(api)
    await work(api)
    ok(await person.client.post(f"{address}/save"))
    await work(api)
    return person, address


async def told(api: Api, topic: str) -> list[dict[str, Any]]:
    """The facts of these events, in order."""
    return [r.event.model_dump() for r in await api.store.history() if r.type == topic]


async def test_a_preview_is_small_and_what_is_saved_is_as_large_as_the_photograph(api: Api) -> None:
    person, address = await saved(api)
    (preview,) = await told(api, "TryOnRendered")
    (full,) = await told(api, "TryOnFinished")
    assert (preview["made_of"]["max_side"], full["made_of"]["max_side"]) == (1024, HEIGHT)
    result = ok(await person.client.get(address))
    assert (result["fullSize"], result["status"]) == ({"status": "ready"}, "ready")
    assert key_of(result["resultImageUrl"]) == full["key"]
    assert key_of(result["previewImageUrl"]) == preview["key"]
    assert sorted(await objects(api, "results/")) == sorted([preview["key"], full["key"]])
    for name in ("resultImageUrl", "previewImageUrl"):
        assert (await api.client.get(result[name])).status_code == 200


async def test_what_is_not_saved_has_no_full_size(api: Api) -> None:
    person, address = await asked(api)
    await work(api)
    assert ok(await person.client.get(address))["fullSize"] == {"status": "none"}
    assert "TryOnFinished" not in await api.topics()


async def test_what_is_saved_before_it_is_rendered_gets_its_full_size_too(api: Api) -> None:
    person, address = await asked(api)
    ok(await person.client.post(f"{address}/save"))
    assert ok(await person.client.get(address))["fullSize"] == {"status": "processing"}
    await work(api)
    result = ok(await person.client.get(address))
    assert (result["status"], result["fullSize"]) == ("ready", {"status": "ready"})


async def test_of_what_cannot_be_rendered_there_is_no_full_size_to_wait_for(api: Api) -> None:
    person, address = await saved(api)
    with_studio(api).refusal = ImageRefused("not-wearable-here", "There is no room for it.")
    ok(await person.client.put(address, json={"adjustments": {"scale": 2}}))
    await work(api)
    result = ok(await person.client.get(address))
    assert (result["status"], result["fullSize"]) == ("failed", {"status": "none"})


async def saved_at_first(api: Api, person: Person, address: str) -> None:
    """Saved as results were before there was a full size."""

    async def save(work: UnitOfWork) -> TryOn:
        result = await work.load(TryOn, address.rpartition("/")[2])
        result.record(TryOnSaved)
        return result

    context = system_context("SaveTryOn", correlation="test")
    await run(save, context, api.store, claims_key=api.services.keyring.claims)
    await api.consistency.fold()


async def test_what_was_saved_at_first_gets_its_full_size_when_it_is_saved_again(api: Api) -> None:
    """A new policy of an old shop begins at the present: nobody renders it by itself."""
    person, address = await asked(api)
    await work(api)
    await saved_at_first(api, person, address)
    assert ok(await person.client.get(address))["fullSize"] == {"status": "none"}
    for _ in range(2):
        again = ok(await person.client.post(f"{address}/save"))
        assert (again["saved"], again["fullSize"]) == (True, {"status": "processing"})
    await work(api)
    assert ok(await person.client.get(address))["fullSize"] == {"status": "ready"}
    assert (await api.topics()).count("TryOnSaved") == 2


async def test_a_saved_result_that_is_adjusted_is_rendered_anew_in_both_sizes(api: Api) -> None:
    person, address = await saved(api)
    before = ok(await person.client.get(address))
    ok(await person.client.put(address, json={"adjustments": {"scale": 2}}))
    assert ok(await person.client.get(address))["fullSize"] == {"status": "processing"}
    await work(api)
    after = ok(await person.client.get(address))
    assert (after["status"], after["fullSize"]) == ("ready", {"status": "ready"})
    assert after["resultImageUrl"] != before["resultImageUrl"]
    assert [event["revision"] for event in await told(api, "TryOnFinished")] == [1, 2]


async def test_pictures_of_older_revisions_do_not_pile_up(api: Api) -> None:
    person, address = await saved(api)
    for scale in (1.1, 1.2, 1.0):
        ok(await person.client.put(address, json={"adjustments": {"scale": scale}}))
        await work(api)
    result = ok(await person.client.get(address))
    shown = {key_of(result[name]) for name in ("resultImageUrl", "previewImageUrl")}
    assert set(await objects(api, "results/")) == shown


async def test_the_last_picture_is_shown_until_the_next_is_there(api: Api) -> None:
    person, address = await saved(api)
    ok(await person.client.put(address, json={"adjustments": {"scale": 2}}))
    result = ok(await person.client.get(address))
    assert result["status"] == "processing"
    assert (await api.client.get(result["resultImageUrl"])).status_code == 200


async def test_a_doubled_message_renders_the_full_size_once(api: Api) -> None:
    await saved(api)
    for _ in range(2):
        await work(api)
    assert (await api.topics()).count("TryOnFinished") == 1


async def test_without_a_full_size_the_preview_stays_and_the_reason_is_told(api: Api) -> None:
    person, address = await asked(api)
    await work(api)
    ok(await person.client.post(f"{address}/save"))
    with_studio(api).refusal = TooLarge("The picture needs more memory than it may have.")
    await work(api)
    result = ok(await person.client.get(address))
    assert (result["status"], result["fullSize"]["status"]) == ("ready", "failed")
    assert result["fullSize"]["failure"]["code"] == "too-large"
    assert (await api.client.get(result["resultImageUrl"])).status_code == 200


async def test_a_full_size_that_comes_too_late_leaves_no_bytes(api: Api) -> None:
    person, address = await asked(api)
    await work(api)
    ok(await person.client.post(f"{address}/save"))

    async def move() -> None:
        ok(await person.client.put(address, json={"adjustments": {"scale": 2}}))

    interrupted(api, move)
    await react(api, saved_result_is_rendered_in_full_size)
    assert "TryOnFinished" not in await api.topics()
    assert len(await objects(api, "results/")) == 1
    await work(api)
    assert ok(await person.client.get(address))["fullSize"] == {"status": "ready"}


async def test_a_picture_names_what_it_was_made_of(api: Api) -> None:
    person, address = await asked(api)
    await work(api)
    (event,) = await told(api, "TryOnRendered")
    made_of = event["made_of"]
    result = ok(await person.client.get(address))
    image = ok(await person.client.get(f"/api/images/{result['userImageId']}"))
    original = (await api.client.get(image["originalUrl"])).content
    assert made_of["image_sha256"] == hashlib.sha256(original).hexdigest()
    assert (made_of["face"], event["pipeline_version"]) == (0, PIPELINE_VERSION)
    (piece,) = made_of["pieces"]
    overlay = await overlay_bytes(piece["image"], api.services)
    assert piece["sha256"] == hashlib.sha256(overlay).hexdigest()
    assert (piece["product_id"], piece["product_type"]) == (result["productId"], "necklace")


async def test_a_photograph_that_went_before_the_picture_fails_the_try_on(api: Api) -> None:
    """Its saved result stays when it expires; what was asked of it then cannot be rendered."""
    person, address = await saved(api)
    ok(await person.client.put(address, json={"adjustments": {"scale": 2}}))
    api.clock.ahead += timedelta(days=31)
    assert await remove_expired_pictures(api.services) == 1
    await work(api)
    document = await api.services.read_models["tryOnResults"].find_one({})
    assert document is not None
    assert (document["status"], document["failure"]["code"]) == ("failed", "photo-deleted")
    assert await objects(api, "results/") != []


async def test_what_was_made_of_a_photograph_that_is_gone_is_moved_no_more(api: Api) -> None:
    person, address = await saved(api)
    api.clock.ahead += timedelta(days=31)
    assert await remove_expired_pictures(api.services) == 1
    await work(api)
    again = await api.again(person)
    moved = await again.put(address, json={"adjustments": {"scale": 2}})
    refused(moved, 409, "photo-deleted")
    assert ok(await again.get(address))["status"] == "ready"


async def test_whatever_imaging_has_made_or_refused_says_by_which_pipeline(api: Api) -> None:
    person, _ = await saved(api)
    studio = with_studio(api)
    studio.refusal = ImageRefused("not-wearable-here", "There is no room for it.")
    image = ok(await person.client.get("/api/images/user"))[0]
    product = await wearable(api)
    body = {"productId": product["id"], "userImageId": image["id"]}
    ok(await person.client.post("/api/try-on/create", json=body), 201)
    await work(api)
    studio.refusal = None
    ok(await upload(person, b"another"), 201)
    studio.refusal = ImageRefused("unreadable-image", "It has no end.")
    await work(api)
    facts = {r.type: r.event.model_dump() for r in await api.store.history()}
    made = {"ImageUploaded", "ImageProcessed", "TryOnRendered", "TryOnFinished"}
    for topic in made | {"ImageRejected", "TryOnFailed"}:
        assert facts[topic]["pipeline_version"] == PIPELINE_VERSION

"""What imaging does by itself: late, doubled or overtaken, it shows the right picture and no other."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from commands.accounts import erase
from commands.context import system_context
from commands.picturing import (
    DEMO_URL,
    overlay_bytes,
    requested_try_on_is_rendered,
    uploaded_photograph_is_analysed,
)
from domain.catalogue import Overlay
from domain.errors import NotFound
from imaging.errors import ImageRefused
from tests.api import Api, Person
from tests.buying import ok, react
from tests.trying_on import (
    FOUND,
    HAND_ALONE,
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

    def __init__(self, meanwhile: Meanwhile, *, during: str = "render") -> None:
        super().__init__()
        self.meanwhile: Meanwhile | None = meanwhile
        self.during = during

    async def run(self, function: str, *arguments: Any, **options: Any) -> Any:
        made = await super().run(function, *arguments, **options)
        if function == self.during and self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
        return made


def interrupted(api: Api, meanwhile: Meanwhile, *, during: str = "render") -> None:
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


@pytest.mark.parametrize("during", ["render", "analyse_photo"])
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
    missing = {
        "image": f"{DEMO_URL}nothing-like-it.png",
        "width": 8,
        "height": 8,
        "widthMm": 1,
        "pxPerMm": 1,
    }
    await admin.client.put(
        f"/api/products/{product}/overlay", json=missing, headers={"If-Match": "*"}
    )
    await work(api)
    assert ok(await person.client.get(address))["failure"]["code"] == "picture-missing"


async def test_an_overlay_is_one_of_the_demos_or_an_object_of_ours(api: Api) -> None:
    def overlay(image: str) -> Overlay:
        return Overlay(image=image, width=8, height=8, width_mm=1.0, px_per_mm=1.0)

    demo = await overlay_bytes(overlay(f"{DEMO_URL}pearl-strand.png"), api.services)
    assert demo.startswith(b"\x89PNG")
    await api.services.objects.put("overlays/a.png", jpeg(b"a"), content_type="image/png")
    assert await overlay_bytes(overlay("object:overlays/a.png"), api.services) == jpeg(b"a")
    for image in (f"{DEMO_URL}../catalogue.csv", f"{DEMO_URL}none.png", "object:overlays/b.png"):
        with pytest.raises(NotFound):
            await overlay_bytes(overlay(image), api.services)

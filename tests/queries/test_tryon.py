"""Results as their owners see them, and as the specification names them."""

from tests.api import Api
from tests.buying import ok
from tests.trying_on import photographed, tried_on, wearable, with_studio

SPECIFIED = {
    "_id", "userId", "productId", "userImageId", "resultImageUrl", "adjustments", "shared",
    "shareUrl", "createdAt",
}  # fmt: skip


async def test_a_result_has_every_field_of_the_specification(api: Api) -> None:
    with_studio(api)
    person, product = await api.customer(), await wearable(api)
    image = await photographed(api, person)
    result = await tried_on(api, person, image, product)
    assert result.keys() >= SPECIFIED
    assert result["adjustments"].keys() >= {"scale", "rotation", "position"}
    assert result["adjustments"]["position"] == {"x": 0, "y": 0}
    assert (result["productId"], result["userImageId"]) == (product["id"], image["id"])
    assert not any("sha256" in name.lower() for name in result)


async def test_a_result_shows_the_photograph_before(api: Api) -> None:
    with_studio(api)
    person, product = await api.customer(), await wearable(api)
    image = await photographed(api, person)
    result = await tried_on(api, person, image, product)
    before = await api.client.get(result["beforeImageUrl"])
    assert before.content == (await api.client.get(image["processedUrl"])).content


async def test_one_sees_ones_own_results_only_the_latest_first(api: Api) -> None:
    with_studio(api)
    person, other, product = await api.customer(), await api.customer(), await wearable(api)
    for each in (person, other):
        image = await photographed(api, each)
        made = [(await tried_on(api, each, image, product))["id"] for _ in range(2)]
    listed = await other.client.get("/api/try-on/results")
    assert [result["id"] for result in ok(listed)] == made[::-1]
    assert listed.json()["pagination"]["total"] == 2


async def test_a_list_shows_the_photographs_before_too(api: Api) -> None:
    with_studio(api)
    person, product = await api.customer(), await wearable(api)
    image = await photographed(api, person)
    other = await photographed(api, person, b"another")
    for each in (image, other):
        await tried_on(api, person, each, product)
    listed = ok(await person.client.get("/api/try-on/results"))
    shown = [(await api.client.get(result["beforeImageUrl"])).content for result in listed]
    photographs = [(await api.client.get(each["processedUrl"])).content for each in (other, image)]
    assert shown == photographs
    one = ok(await person.client.get(f"/api/try-on/results/{listed[0]['id']}"))
    assert one.keys() == listed[0].keys()


async def test_a_result_without_its_photograph_shows_none_before(api: Api) -> None:
    with_studio(api)
    person, product = await api.customer(), await wearable(api)
    result = await tried_on(api, person, await photographed(api, person), product)
    await api.services.read_models["uploadedImages"].delete_many({})
    assert ok(await person.client.get("/api/try-on/results"))[0]["beforeImageUrl"] == ""
    one = ok(await person.client.get(f"/api/try-on/results/{result['id']}"))
    assert one["beforeImageUrl"] == ""

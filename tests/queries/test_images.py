"""Photographs as their owners see them, and as the specification names them."""

from tests.api import Api
from tests.buying import ok
from tests.trying_on import photographed, upload, with_studio

SPECIFIED = {
    "_id", "userId", "originalUrl", "processedUrl", "thumbnailUrl", "metadata", "uploadedAt",
}  # fmt: skip
METADATA = {
    "width", "height", "faceDetected", "neckPosition",
    "neckPoints", "torsoAngle", "pixelsPerMm", "confidence", "reasons",
}  # fmt: skip


async def test_a_photograph_has_every_field_of_the_specification(api: Api) -> None:
    with_studio(api)
    person = await api.customer()
    await photographed(api, person)
    (image,) = ok(await person.client.get("/api/images/user"))
    assert image.keys() >= SPECIFIED
    assert image["metadata"].keys() >= METADATA
    assert image["metadata"]["neckPosition"].keys() == {"x", "y", "width", "height"}
    assert (image["metadata"]["width"], image["metadata"]["height"]) == (60, 80)
    document = await api.services.read_models["uploadedImages"].find_one({})
    assert document is not None
    assert [type(document[n]).__name__ for n in ("_id", "userId", "uploadedAt")] == [
        "ObjectId",
        "ObjectId",
        "datetime",
    ]


async def test_one_sees_ones_own_photographs_only_the_latest_first(api: Api) -> None:
    with_studio(api)
    person, other = await api.customer(), await api.customer()
    mine = [ok(await upload(person, b"photograph %d" % n), 201)["id"] for n in range(3)]
    await upload(other)
    answer = await person.client.get("/api/images/user", params={"limit": 2})
    assert [image["id"] for image in ok(answer)] == mine[::-1][:2]
    assert answer.json()["pagination"]["total"] == 3


async def test_a_photograph_says_its_version(api: Api) -> None:
    with_studio(api)
    person = await api.customer()
    image = await photographed(api, person)
    answer = await person.client.get(f"/api/images/{image['id']}")
    assert answer.headers["ETag"] == '"v2"'
    assert (await api.client.get(f"/api/images/{image['id']}")).status_code == 401

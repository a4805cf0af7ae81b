"""Pictures of people are kept as long as was agreed, and no longer."""

from datetime import timedelta

from commands.retention import remove_expired_pictures
from tests.api import Api
from tests.buying import ok
from tests.trying_on import objects, photographed, tried_on, wearable, with_studio, work

MONTH = timedelta(days=31)


async def test_after_a_month_photograph_and_results_are_gone_with_their_bytes(api: Api) -> None:
    with_studio(api)
    person, product = await api.customer(), await wearable(api)
    image = await photographed(api, person)
    result = await tried_on(api, person, image, product)
    assert await remove_expired_pictures(api.services) == 0
    api.clock.ahead += MONTH
    assert await remove_expired_pictures(api.services) == 2
    await work(api)
    assert await remove_expired_pictures(api.services) == 0
    assert [key for key in await objects(api) if key.startswith(("photos/", "results/"))] == []
    assert await api.services.read_models["uploadedImages"].count_documents({}) == 0
    assert result["id"] not in str(await api.services.read_models["tryOnResults"].find().to_list())


async def test_a_saved_result_outlives_its_photograph(api: Api) -> None:
    with_studio(api)
    person, product = await api.customer(), await wearable(api)
    image = await photographed(api, person)
    result = await tried_on(api, person, image, product)
    ok(await person.client.post(f"/api/try-on/results/{result['id']}/save"))
    api.clock.ahead += MONTH
    assert await remove_expired_pictures(api.services) == 1
    await work(api)
    kept = await api.services.read_models["tryOnResults"].find().to_list()
    assert [str(document["_id"]) for document in kept] == [result["id"]]
    assert [key for key in await objects(api) if key.startswith("results/")] != []
    assert [key for key in await objects(api) if key.startswith("photos/")] == []

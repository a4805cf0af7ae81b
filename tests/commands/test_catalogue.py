"""Products and stock over HTTP, as catalogue managers change them."""

from typing import Any

import pytest

from commands.context import system_context
from commands.decisions.catalogue import rewrite_product
from commands.unit_of_work import UnitOfWork, run
from domain.catalogue import Product
from domain.import_rules.availability import StockStatus
from domain.stock import Stock
from domain.values import Role
from tests.api import Api
from tests.buying import NECKLACE_BODY, manager, ok, on_sale, ordered, refused

UNKNOWN = "65f0000000000000000000ff"


async def test_a_manager_creates_a_product_with_its_stock(api: Api) -> None:
    person = await manager(api)
    response = await person.client.post("/api/products", json=NECKLACE_BODY | {"sku": "KUN-1"})
    product = ok(response, 201)
    assert response.headers["Location"] == f"/api/products/{product['id']}"
    assert (product["price"], product["priceMinor"]) == (89_999, 8_999_900)
    assert product["priceFormatted"] == "₹89,999"
    assert product["description"] == product["name"]
    assert product["tryOnRegion"] == "neck"
    assert product["inStock"] is True
    assert product["stock"]["onHand"] == 5
    types = [event["type"] for event in api.store.commits[-1]["events"]]
    assert types == ["ProductCreated", "ClaimTaken", "StockOpened"]


@pytest.mark.parametrize(
    ("body", "in_stock", "status"),
    [
        ({"quantity": 4}, True, "in_stock"),
        ({"quantity": 2}, True, "limited"),
        ({"quantity": 0}, False, "out_of_stock"),
        ({"quantity": 0, "preorderAvailable": True}, False, "preorder"),
        ({"quantity": None}, True, "in_stock"),
        ({"quantity": 7, "inStock": False}, False, "out_of_stock"),
    ],
)
async def test_what_is_in_stock_follows_from_the_count(
    api: Api, body: dict[str, Any], in_stock: bool, status: str
) -> None:
    product = await on_sale(api, **body)
    assert (product["inStock"], product["stock"]["status"]) == (in_stock, status)


async def test_only_managers_change_the_catalogue(api: Api) -> None:
    product = await on_sale(api)
    customer, finance = await api.customer(), await api.staff(Role.FINANCE)
    path = f"/api/products/{product['id']}"
    for person in (customer, finance):
        refused(await person.client.post("/api/products", json=NECKLACE_BODY), 403, "forbidden")
        refused(await person.client.delete(path), 403, "forbidden")
        refused(await person.client.put(f"{path}/stock", json={"onHand": 1}), 403, "forbidden")
    assert (await api.client.post("/api/products", json=NECKLACE_BODY)).status_code == 401


async def test_a_sku_belongs_to_one_product(api: Api) -> None:
    person = await manager(api)
    first = await on_sale(api, sku="KUN-1")
    again = NECKLACE_BODY | {"sku": "kun-1"}
    refused(await person.client.post("/api/products", json=again), 409, "sku-taken")
    headers = {"If-Match": "*"}
    path = f"/api/products/{first['id']}"
    ok(await person.client.patch(path, json={"sku": "KUN-2"}, headers=headers))
    assert ok(await person.client.post("/api/products", json=again), 201)["sku"] == "kun-1"


async def test_only_what_is_named_changes(api: Api) -> None:
    person, product = await manager(api), await on_sale(api)
    path = f"/api/products/{product['id']}"
    response = await person.client.patch(
        path,
        json={"price": 79999.5, "specifications": {"weight": "12 g"}},
        headers={"If-Match": '"v1"'},
    )
    changed = ok(response)
    assert (changed["price"], changed["priceMinor"]) == (79_999.5, 7_999_950)
    assert changed["specifications"] == {
        "material": "22k Gold",
        "weight": "12 g",
        "dimensions": "",
        "gemstone": "Freshwater Pearls",
    }
    assert changed["name"] == product["name"]
    assert changed["images"] == product["images"]
    assert response.headers["ETag"] == '"v2"'


async def test_a_change_names_the_version_that_it_saw(api: Api) -> None:
    person, product = await manager(api), await on_sale(api)
    path = f"/api/products/{product['id']}"
    refused(await person.client.patch(path, json={"price": 1}), 428, "precondition-required")
    ok(await person.client.patch(path, json={"price": 1}, headers={"If-Match": '"v1"'}))
    late = await person.client.patch(path, json={"price": 2}, headers={"If-Match": '"v1"'})
    assert refused(late, 412, "precondition-failed")["currentVersion"] == 2


@pytest.mark.parametrize(
    "body",
    [
        {"price": 0},
        {"price": -5},
        {"price": "NaN"},
        {"price": 1.234},
        {"price": 1, "priceMinor": 100},
        {"priceMinor": 0},
        {"name": ""},
        {"name": None},
        {"category": "Wood"},
        {"images": ["javascript:alert(1)"]},
        {"images": ["http://"]},
        {"attributes": {"$set": "x"}},
        {"attributes": {"a.b": "x"}},
        {"sku": "no spaces"},
        {"rating": 5},
    ],
)
async def test_nonsense_is_refused_with_its_field(api: Api, body: dict[str, Any]) -> None:
    person, product = await manager(api), await on_sale(api)
    response = await person.client.patch(
        f"/api/products/{product['id']}", json=body, headers={"If-Match": '"v1"'}
    )
    assert response.status_code == 422, response.text
    created = await person.client.post("/api/products", json=NECKLACE_BODY | body)
    assert created.status_code == 422, created.text


async def test_a_price_may_come_in_paise_and_details_in_words(api: Api) -> None:
    person = await manager(api)
    body = {"name": "Ring", "priceMinor": 12345, "attributes": {"finish": "matt"}, "hsn": "7113"}
    product = ok(await person.client.post("/api/products", json=body), 201)
    assert (product["price"], product["attributes"]) == (123.45, {"finish": "matt"})
    assert (product["category"], product["productType"]) == ("Other", "other")
    assert product["stock"]["policy"] == "untracked"


async def test_a_sku_may_be_given_and_taken_back(api: Api) -> None:
    person, product = await manager(api), await on_sale(api)
    path = f"/api/products/{product['id']}"
    for sku in ("KUN-7", None, "KUN-8"):
        changed = await person.client.patch(path, json={"sku": sku}, headers={"If-Match": "*"})
        assert ok(changed)["sku"] == sku
    other = await on_sale(api, sku="KUN-7")
    assert other["sku"] == "KUN-7"


async def test_a_shop_that_declares_its_stock_otherwise_counts_it_anew(api: Api) -> None:
    """As an import does; what orders hold stays held."""
    product = await on_sale(api, quantity=5)
    await ordered(await api.customer(), (product["id"], 2))

    async def sold_out(work: UnitOfWork) -> Product:
        found = await work.load(Product, product["id"])
        details = found.details.model_copy(
            update={"availability": StockStatus.OUT_OF_STOCK, "quantity": 0}
        )
        return await rewrite_product(found, details, work)

    await run(
        sold_out,
        system_context("ImportRow", correlation="test"),
        api.store,
        claims_key=api.services.keyring.claims,
    )
    stock: Stock = await api.store.load(Stock, product["id"])
    assert (stock.on_hand, stock.held, stock.available) == (2, 2, 0)


async def test_a_product_without_a_price_is_refused(api: Api) -> None:
    person = await manager(api)
    response = await person.client.post("/api/products", json={"name": "Ring"})
    assert response.status_code == 422


async def test_an_archived_product_is_gone_from_the_window_and_can_come_back(api: Api) -> None:
    person, product = await manager(api), await on_sale(api)
    path = f"/api/products/{product['id']}"
    assert ok(await person.client.delete(path))["status"] == "archived"
    refused(await api.client.get(path), 404, "not-found")
    assert ok(await api.client.get("/api/products")) == []
    assert ok(await person.client.get(path))["status"] == "archived"
    assert len(ok(await person.client.get("/api/products?status=archived"))) == 1
    assert ok(await api.client.get("/api/products?status=archived")) == []
    headers = {"If-Match": '"v2"'}
    refused(
        await person.client.patch(path, json={"price": 5}, headers=headers),
        409,
        "product-archived",
    )
    ok(await person.client.post(f"{path}/restore"))
    assert ok(await api.client.get(path))["status"] == "active"


async def test_featured_products_are_ranked(api: Api) -> None:
    person = await manager(api)
    products = [await on_sale(api, name=f"Ring {number}") for number in range(3)]
    for rank, product in zip((3, 1, 2), products, strict=True):
        ok(await person.client.put(f"/api/products/{product['id']}/feature", json={"rank": rank}))
    featured = ok(await api.client.get("/api/products/featured"))
    assert [product["name"] for product in featured] == ["Ring 1", "Ring 2", "Ring 0"]
    ok(await person.client.delete(f"/api/products/{products[1]['id']}/feature"))
    featured = ok(await api.client.get("/api/products/featured"))
    assert [product["name"] for product in featured] == ["Ring 2", "Ring 0"]


async def test_an_overlay_for_try_on_is_set(api: Api) -> None:
    person, product = await manager(api), await on_sale(api)
    body = {
        "image": "/media/demo/pearl-strand.png",
        "width": 711,
        "height": 452,
        "widthMm": 122,
        "pxPerMm": 5.5,
        "anchors": {"left": {"x": 20.5, "y": 21}, "right": {"x": 691.5, "y": 21}},
    }
    shown = ok(await person.client.put(f"/api/products/{product['id']}/overlay", json=body))
    assert shown["overlay"].items() >= body.items()
    assert shown["overlay"]["source"] == "staff"


async def test_stock_is_counted_and_received(api: Api) -> None:
    person, product = await manager(api), await on_sale(api, quantity=5)
    path = f"/api/products/{product['id']}/stock"
    await ordered(await api.customer(), (product["id"], 2))
    stock = ok(await person.client.put(path, json={"onHand": 9, "expectedOnHand": 5}))["stock"]
    assert (stock["onHand"], stock["available"], stock["reserved"]) == (9, 7, 2)
    stock = ok(await person.client.post(f"{path}/receipts", json={"quantity": 4}))["stock"]
    assert (stock["onHand"], stock["available"]) == (13, 11)
    refused(
        await person.client.put(path, json={"onHand": 3, "expectedOnHand": 9}),
        409,
        "stock-changed",
    )
    refused(await person.client.put(path, json={"onHand": 1}), 409, "stock-held")
    stock = ok(await person.client.put(path, json={"onHand": None, "limited": True}))["stock"]
    assert (stock["policy"], stock["available"], stock["status"]) == ("untracked", None, "limited")
    refused(await person.client.post(f"{path}/receipts", json={"quantity": 1}), 409, "not-counted")


@pytest.mark.parametrize("product_id", [UNKNOWN, "nonsense"])
async def test_a_product_that_is_not_there_is_not_found(api: Api, product_id: str) -> None:
    person, path = await manager(api), f"/api/products/{product_id}"
    refused(await person.client.get(path), 404, "not-found")
    refused(await person.client.delete(path), 404, "not-found")
    refused(await person.client.post(f"{path}/restore"), 404, "not-found")
    refused(await person.client.put(f"{path}/stock", json={"onHand": 1}), 404, "not-found")
    refused(
        await person.client.patch(path, json={"price": 1}, headers={"If-Match": "*"}),
        404,
        "not-found",
    )

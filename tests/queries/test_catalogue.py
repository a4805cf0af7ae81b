"""The shop window over HTTP: lists, filters, search, one product, its likes."""

from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from queries.product_facets import counted_of
from tests.api import Api
from tests.buying import manager, ok, refused

SPECIFIED = {
    "_id", "name", "category", "description", "price", "images", "preorderAvailable", "inStock",
    "specifications", "rating", "reviews", "featured", "createdAt", "updatedAt",
}  # fmt: skip
"""The fields of the specification's Products collection."""

WINDOW: tuple[dict[str, Any], ...] = (
    {
        "name": "Rani Haar",
        "price": 320000,
        "category": "Gold",
        "productType": "necklace",
        "specifications": {"gemstone": "Ruby"},
        "quantity": 3,
    },
    {
        "name": "Pearl Strand",
        "price": 38900,
        "category": "Silver",
        "productType": "necklace",
        "specifications": {"gemstone": "Freshwater Pearl"},
        "quantity": 0,
    },
    {
        "name": "Jhumka Drops",
        "price": 41000,
        "category": "Gold",
        "productType": "earrings",
        "specifications": {"gemstone": "Pearl"},
        "quantity": 8,
    },
    {
        "name": "Solitaire Ring",
        "price": 299999,
        "category": "Diamond",
        "productType": "ring",
        "specifications": {"gemstone": "Diamond"},
        "quantity": 2,
    },
)


async def window(api: Api) -> dict[str, str]:
    """Ids by name."""
    person = await manager(api)
    answers = [await person.client.post("/api/products", json=body) for body in WINDOW]
    return {product["name"]: product["id"] for product in (ok(answer, 201) for answer in answers)}


async def names(api: Api, path: str) -> list[str]:
    return [product["name"] for product in ok(await api.client.get(path))]


async def test_a_product_has_every_field_of_the_specification(api: Api) -> None:
    ids = await window(api)
    response = await api.client.get(f"/api/products/{ids['Rani Haar']}")
    product = ok(response)
    assert set(product) >= SPECIFIED
    assert set(product["specifications"]) == {"material", "weight", "dimensions", "gemstone"}
    assert product["_id"] == product["id"] == ids["Rani Haar"]
    assert product["createdAt"].endswith("Z")
    assert not [name for name in product if name.startswith("_") and name != "_id"]
    assert response.headers["ETag"].startswith('W/"')
    assert response.headers["Cache-Control"].startswith("public, max-age=")


async def test_the_document_has_the_types_of_the_specification(api: Api) -> None:
    await window(api)
    document = await api.services.read_models["products"].find_one({"name": "Rani Haar"})
    assert document is not None
    kinds = {name: type(document[name]).__name__ for name in SPECIFIED}
    assert kinds == {
        "_id": "ObjectId",
        "name": "str",
        "category": "str",
        "description": "str",
        "price": "int",
        "images": "list",
        "preorderAvailable": "bool",
        "inStock": "bool",
        "specifications": "dict",
        "rating": "int",
        "reviews": "int",
        "featured": "bool",
        "createdAt": "datetime",
        "updatedAt": "datetime",
    }


async def test_a_product_is_found_by_its_slug(api: Api) -> None:
    ids = await window(api)
    product = ok(await api.client.get(f"/api/products/{ids['Rani Haar']}"))
    assert product["slug"].startswith("rani-haar-")
    assert ok(await api.client.get(f"/api/products/{product['slug']}"))["id"] == product["id"]


async def test_lists_come_in_pages(api: Api) -> None:
    await window(api)
    first = (await api.client.get("/api/products?limit=3&sort=price")).json()
    assert [product["price"] for product in first["data"]] == [38_900, 41_000, 299_999]
    pagination = first["pagination"]
    assert (pagination["total"], pagination["pages"], pagination["hasMore"]) == (4, 2, True)
    assert await names(api, "/api/products?limit=3&page=2&sort=price") == ["Rani Haar"]
    assert await names(api, "/api/products?limit=3&skip=3&sort=price") == ["Rani Haar"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("category=gold", {"Rani Haar", "Jhumka Drops"}),
        ("productType=necklace", {"Rani Haar", "Pearl Strand"}),
        ("tryOnRegion=ear", {"Jhumka Drops"}),
        ("minPrice=41000&maxPrice=300000", {"Jhumka Drops", "Solitaire Ring"}),
        ("inStock=false", {"Pearl Strand"}),
        ("gemstone=pearl", {"Pearl Strand", "Jhumka Drops"}),
        ("gemstone=pearl&category=Gold", {"Jhumka Drops"}),
        ("featured=true", set()),
        ("minRating=4", set()),
        ("preorder=false&category=Diamond", {"Solitaire Ring"}),
    ],
)
async def test_lists_are_filtered(api: Api, query: str, found: set[str]) -> None:
    await window(api)
    assert set(await names(api, f"/api/products?{query}")) == found


@pytest.mark.parametrize(
    ("sort", "first"),
    [("price", "Pearl Strand"), ("-price", "Rani Haar"), ("name", "Jhumka Drops")],
)
async def test_lists_are_sorted(api: Api, sort: str, first: str) -> None:
    await window(api)
    assert (await names(api, f"/api/products?sort={sort}"))[0] == first


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "page=0", "skip=-1", "sort=$where", "minPrice=x", "page=1e9"]
)
async def test_an_impossible_list_is_refused(api: Api, query: str) -> None:
    assert (await api.client.get(f"/api/products?{query}")).status_code == 422


async def test_a_category_has_its_own_list(api: Api) -> None:
    await window(api)
    found = await names(api, "/api/products/category/GOLD?sort=price")
    assert found == ["Jhumka Drops", "Rani Haar"]
    problem = refused(await api.client.get("/api/products/category/wood"), 404, "unknown-category")
    assert "Platinum" in problem["detail"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("pearl", {"Pearl Strand", "Jhumka Drops"}),
        ("PEARL strand", {"Pearl Strand"}),
        ("neck", {"Rani Haar", "Pearl Strand"}),
        ("necklace", {"Rani Haar", "Pearl Strand"}),
        ("haar", {"Rani Haar", "Pearl Strand"}),
        ("हार", {"Rani Haar", "Pearl Strand"}),
        ("earrings", {"Jhumka Drops"}),
        ("heera", {"Solitaire Ring"}),
        ("gold earrings", {"Jhumka Drops"}),
        ("sapphire", set()),
        (".*", None),
        ("$gt", set()),
        ("rani(((((", {"Rani Haar"}),
        ("neklace", {"Rani Haar", "Pearl Strand"}),
        ("mecklace", {"Rani Haar", "Pearl Strand"}),
        ("daimond", {"Solitaire Ring"}),
        ("earing", {"Jhumka Drops"}),
        ("झुमका", {"Jhumka Drops"}),
        ("jumka", {"Jhumka Drops"}),
        ("solitair", {"Solitaire Ring"}),
        ("perl strnd", {"Pearl Strand"}),
        ("goldd neklace", {"Rani Haar"}),
        ("xyzzy", set()),
    ],
)
async def test_words_find_products(api: Api, words: str, found: set[str] | None) -> None:
    """By their beginnings and by other names for the same; never as a pattern."""
    await window(api)
    response = await api.client.get("/api/products/search", params={"q": words})
    if found is None:
        refused(response, 422, "empty-search")
    else:
        assert {product["name"] for product in ok(response)} == found


@pytest.mark.parametrize("words", ["", "   ", "!!!", "x" * 101])
async def test_an_empty_or_endless_search_is_refused(api: Api, words: str) -> None:
    response = await api.client.get("/api/products/search", params={"q": words})
    assert response.status_code == 422


async def test_what_fits_best_comes_first(api: Api) -> None:
    staff = await manager(api)
    for name, description in (
        ("Gold Chain", "goes well with a ruby pendant"),
        ("Ruby Pendant", "in gold"),
        ("Rubies for Ruth", "a string of stones"),
    ):
        body = {"name": name, "description": description, "price": 1000, "category": "Other"}
        ok(await staff.client.post("/api/products", json=body | {"quantity": 1}), 201)
    found = await names(api, "/api/products/search?q=ruby")
    assert found == ["Ruby Pendant", "Gold Chain"]
    assert (await names(api, "/api/products/search?q=rub"))[0] in {
        "Rubies for Ruth",
        "Ruby Pendant",
    }
    assert await names(api, "/api/products/search?q=pendant ruby&sort=name") == [
        "Gold Chain",
        "Ruby Pendant",
    ]


async def test_facets_say_how_many_there_are_of_each_kind(api: Api) -> None:
    await window(api)
    found = ok(await api.client.get("/api/products/facets"))
    assert found["category"] == [
        {"value": "Gold", "count": 2},
        {"value": "Diamond", "count": 1},
        {"value": "Silver", "count": 1},
    ]
    assert found["inStock"] == [{"value": True, "count": 3}, {"value": False, "count": 1}]
    assert found["price"] == [
        {"from": 25_000, "to": 50_000, "count": 2},
        {"from": 250_000, "to": 500_000, "count": 2},
    ]
    assert (found["counted"], found["isComplete"]) == (4, True)


async def test_facets_can_be_narrowed_down(api: Api) -> None:
    await window(api)
    found = ok(await api.client.get("/api/products/facets?category=gold&inStock=true"))
    assert found["productType"] == [
        {"value": "earrings", "count": 1},
        {"value": "necklace", "count": 1},
    ]
    searched = ok(await api.client.get("/api/products/facets?q=neklace"))
    assert (searched["counted"], searched["category"][0]["count"]) == (2, 1)
    nothing = ok(await api.client.get("/api/products/facets?category=Platinum"))
    assert (nothing["counted"], nothing["price"]) == (0, [])


@for_all(st.lists(st.tuples(st.sampled_from(["Gold", "Silver"]), st.integers(0, 2_000_000_00))))
def test_facets_of_a_search_and_of_a_list_are_counted_alike(
    products: list[tuple[str, int]],
) -> None:
    documents = [
        {
            "category": category,
            "priceMinor": price,
            "productType": "ring",
            "tryOnRegion": "finger",
            "inStock": price % 2 == 0,
        }
        for category, price in products
    ]
    found = counted_of(documents)
    assert sum(band["count"] for band in found["price"]) == len(products)
    for band in found["price"]:
        end = band["to"] or 10**9
        assert band["count"] == sum(band["from"] <= p // 100 < end for _, p in products)


async def test_a_search_can_be_filtered(api: Api) -> None:
    await window(api)
    assert await names(api, "/api/products/search?q=pearl&inStock=true") == ["Jhumka Drops"]


async def test_what_is_like_it_is_recommended_with_a_reason(api: Api) -> None:
    ids = await window(api)
    likes = ok(await api.client.get(f"/api/products/{ids['Pearl Strand']}/recommendations"))
    assert [like["name"] for like in likes] == ["Rani Haar"]
    assert "another necklace" in likes[0]["reason"]
    likes = ok(await api.client.get(f"/api/products/{ids['Rani Haar']}/recommendations"))
    assert [like["name"] for like in likes] == ["Jhumka Drops"], "what is sold out is not offered"
    refused(await api.client.get("/api/products/nowhere/recommendations"), 404, "not-found")


@pytest.mark.parametrize(
    "path",
    [
        "/api/products",
        "/api/products?sort=price&inStock=true",
        "/api/products/featured",
        "/api/products/category/Gold",
        "/api/products/search?q=gold haar",
        "/api/products/facets",
        "/api/products/{ring}/recommendations",
    ],
)
@pytest.mark.usefixtures("unexplained")
async def test_what_is_shown_does_not_wait_for_a_worker_that_makes_the_indexes(
    api: Api, path: str
) -> None:
    ids = await window(api)
    there = path.format(ring=ids["Solitaire Ring"])
    before = ok(await api.client.get(there))
    products = api.services.read_models["products"]
    await products.drop_indexes()
    after = await api.client.get(there, headers={"Origin": "https://shop.example"})
    assert ok(after) == before

"""The API's description: every operation has a name, and says what it takes, answers and refuses."""

import json
import re
from typing import Any

import httpx
import jsonschema_rs
import pytest

from contract.document import describe, examples, operations_of
from contract.operations import OPERATIONS, Data, Operation
from contract.schemas import Schemas, as_shown
from main import create_app
from projections.orders import OrderDocument
from projections.tryon import ResultDocument
from tests.contracted import Contract
from tests.samples import settings_for_tests

SHOWN_BY_NO_TEST = {"getReadiness"}
"""It asks servers that tests of the API do without; the journeys ask it."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return describe(create_app(settings_for_tests()))


@pytest.fixture(scope="module")
def contract() -> Contract:
    return Contract(describe(create_app(settings_for_tests()), strict=True))


def test_every_operation_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations_of(document)]
    assert len(set(names)) == len(names) == len(OPERATIONS)
    assert not [name for name in names if not re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", name)]


def test_every_operation_says_what_it_answers_and_how_it_refuses(document: dict[str, Any]) -> None:
    for name, _, operation in operations_of(document):
        assert operation["summary"], name
        assert operation["tags"], name
        successes = [s for s in operation["responses"] if s < "400"]
        assert successes, name
        for status in successes:
            told = operation["responses"][status]
            assert status in {"204", "304"} or told["content"], f"{name} {status}"
        assert {"503"} <= operation["responses"].keys(), name


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    known = document["components"]["schemas"]
    named = set(re.findall(r"#/components/schemas/([^\"]+)", json.dumps(document)))
    assert named <= known.keys()
    assert set(known) - named == set()


def test_every_json_answer_has_a_real_example_that_fits(contract: Contract) -> None:
    for operation in OPERATIONS.values():
        told = examples().get(operation.id, {"answers": {}})["answers"]
        if any(isinstance(answer, Data) for answer in operation.answers.values()):
            assert told or operation.id in SHOWN_BY_NO_TEST, operation.id
        for status, answer in told.items():
            assert contract.fault_of(operation.id, status, answer) is None


def test_every_example_of_a_body_is_one_that_is_taken(document: dict[str, Any]) -> None:
    seen = 0
    for _, _, operation in operations_of(document):
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        if "example" in body:
            seen += 1
            schema = {**body["schema"], "components": document["components"]}
            jsonschema_rs.Draft202012Validator(schema).validate(body["example"])
    assert seen > 15


def test_an_old_client_may_meet_new_fields_but_may_not_send_them(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert "additionalProperties" not in schemas["OrderShown"]
    assert schemas["PlaceOrder"]["additionalProperties"] is False


def test_what_is_ours_alone_is_in_no_answer(document: dict[str, Any]) -> None:
    told = json.dumps(document["components"]["schemas"])
    for name in ("passwordHash", "_refunds", "_tokens", "shareTokenSha256", '"position"'):
        assert name not in told or name == '"position"'
    assert "position" not in document["components"]["schemas"]["OrderShown"]["properties"]


def test_a_document_is_described_as_it_is_shown() -> None:
    schemas = Schemas()
    schemas.of(OrderDocument)
    shown = schemas.components["OrderDocument"]
    assert {"_id", "id", "version"} <= shown["properties"].keys()
    assert "position" not in shown["properties"]
    schemas.of(ResultDocument)
    assert "fullSizeAsked" not in schemas.components["ResultDocument"]["properties"]
    assert as_shown({"type": "string", "title": "Name"}) == {"type": "string"}


def test_two_shapes_of_one_name_are_found_out() -> None:
    schemas = Schemas()
    schemas.of(OrderDocument)
    schemas.components["OrderDocument"] = {"type": "object"}
    with pytest.raises(TypeError, match="two shapes are called OrderDocument"):
        schemas.of(OrderDocument)


def test_a_route_without_a_line_is_found_out() -> None:
    app = create_app(settings_for_tests())

    @app.get("/api/new")
    async def get_new() -> None: ...

    with pytest.raises(TypeError, match="GET /api/new has no line"):
        describe(app)


def test_a_line_without_a_route_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    more = {**OPERATIONS, "GET /api/gone": Operation("getGone", {})}
    monkeypatch.setattr("contract.document.OPERATIONS", more)
    with pytest.raises(TypeError, match="no route answers"):
        describe(create_app(settings_for_tests()))


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (418, {}, "does not know"),
        (200, {"success": True, "data": {"status": "live"}}, "not allowed"),
        (200, {"status": "live", "more": 1}, "more"),
    ],
)
def test_a_test_that_gets_another_answer_than_described_fails(
    contract: Contract, status: int, body: dict[str, Any], why: str
) -> None:
    request = httpx.Request("GET", "http://shop.test/health/live")
    breach = contract.breach(httpx.Response(status, json=body, request=request))
    assert breach is not None
    assert why in breach


def test_an_answer_that_keeps_the_contract_is_no_breach(contract: Contract) -> None:
    request = httpx.Request("GET", "http://shop.test/health/live")
    assert contract.breach(httpx.Response(200, json={"status": "live"}, request=request)) is None

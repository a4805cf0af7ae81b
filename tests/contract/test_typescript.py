"""The TypeScript client is written from the contract. `make check` compiles it."""

from typing import Any

import pytest

from contract.document import describe
from contract.operations import OPERATIONS
from contract.typescript import OUTPUT, client_of, type_of
from main import create_app
from tests.samples import settings_for_tests


@pytest.fixture(scope="module")
def client() -> str:
    return client_of(describe(create_app(settings_for_tests())))


def test_the_client_in_the_repository_is_the_contracts(client: str) -> None:
    assert OUTPUT.read_text("utf-8") == client, "write it anew: make client"


def test_there_is_a_method_for_each_operation(client: str) -> None:
    for operation in OPERATIONS.values():
        assert f"\n  {operation.id}(input: Input" in client


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "string"}, "string"),
        ({"type": "integer"}, "number"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string | null"),
        (
            {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
            "(string | null)[]",
        ),
        ({"enum": ["a", "b"]}, '"a" | "b"'),
        ({"const": True}, "true"),
        ({"$ref": "#/components/schemas/OrderShown"}, "OrderShown"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "Record<string, number>"),
        ({"type": "object"}, "Record<string, unknown>"),
        ({"type": "string", "contentMediaType": "application/octet-stream"}, "Blob"),
        ({}, "unknown"),
    ],
)
def test_a_schema_is_this_type(schema: dict[str, Any], told: str) -> None:
    assert type_of(schema) == told


def test_a_command_that_may_not_be_shown_yet_says_so(client: str) -> None:
    told = "export type PlaceOrderAnswer = Success<201, OrderShown> | Success<202, Named>;"
    assert told in client


def test_an_operation_that_needs_nothing_can_be_asked_with_nothing(client: str) -> None:
    assert "  getMe(input: Input = {}): Promise<GetMeAnswer> {" in client

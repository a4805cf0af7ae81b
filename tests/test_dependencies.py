"""What answers look like, and what an endpoint is given."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from bson import ObjectId
from pydantic import BaseModel

from dependencies.answers import Json, answer, etag, present
from dependencies.documents import object_id_or_404
from dependencies.services import Keyring
from domain.errors import NotFound

ID = "65f000000000000000000001"
AT = datetime(2026, 11, 23, 12, 0, 0, 123_000, tzinfo=UTC)


class Size(BaseModel):
    ring: int


def test_a_document_is_shown_with_plain_values_and_both_ids() -> None:
    document = {
        "_id": ObjectId(ID),
        "userId": ObjectId(ID),
        "createdAt": AT,
        "items": [{"productId": ObjectId(ID), "at": AT}],
        "passwordHash": "secret",
        "_tokens": ["secret"],
        "position": 7,
        "version": 2,
    }
    assert json.loads(bytes(Json(present(document)).body)) == {
        "_id": ID,
        "id": ID,
        "userId": ID,
        "createdAt": "2026-11-23T12:00:00.123Z",
        "items": [{"productId": ID, "at": "2026-11-23T12:00:00.123Z"}],
        "version": 2,
    }


def test_an_answer_writes_ids_dates_and_numbers() -> None:
    data = {
        "id": ObjectId(ID),
        "at": AT,
        "price": Decimal("2.50"),
        "tags": {"b", "a"},
        "size": Size(ring=7),
    }
    assert answer(data, pagination={"total": 1}).body == (
        b'{"success":true,"data":{"id":"65f000000000000000000001","at":"2026-11-23T12:00:00.123Z",'
        b'"price":2.5,"tags":["a","b"],"size":{"ring":7}},"pagination":{"total":1}}'
    )


def test_an_answer_refuses_what_it_does_not_know() -> None:
    with pytest.raises(TypeError):
        answer(object())


@pytest.mark.parametrize("text", ["", "x", ID[:-1], ID + "0", "g" * 24, "../" * 8])
def test_a_malformed_id_names_nothing(text: str) -> None:
    with pytest.raises(NotFound):
        object_id_or_404(text)


def test_a_document_without_a_version_has_no_tag() -> None:
    assert etag({"version": 3}) == {"ETag": '"v3"'}
    assert etag({}) == {}


def test_each_purpose_has_a_key_of_its_own() -> None:
    ring = vars(Keyring.of("5a" * 32))
    assert len(set(ring.values())) == len(ring)
    assert all(len(key) == 32 for key in ring.values())
    assert ring != vars(Keyring.of("5b" * 32))

"""The shapes of stored documents: TypedDicts beside their folds. Tests hold every fold to them, and the
contract of the API is made of them.

    @shape
    class OrderDocument(Stored):
        userId: Id
        totalMinor: int

A fold never leaves a field out: what is not known yet is null. `NotRequired` are fields of documents that an
older build has written, and those that are taken away from them (an erased person's).
"""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from bson import ObjectId
from pydantic import ConfigDict, Field, GetJsonSchemaHandler, with_config
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema
from typing_extensions import TypedDict


class _AsObjectId:
    """An ObjectId in MongoDB, 24 hexadecimal characters in an answer."""

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _: Any, __: Callable[[Any], core_schema.CoreSchema]
    ) -> core_schema.CoreSchema:
        return core_schema.is_instance_schema(ObjectId)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _: core_schema.CoreSchema, __: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "pattern": "^[0-9a-f]{24}$"}


class _Hidden:
    """Marks a field that no answer shows."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), HIDDEN: True}


HIDDEN = "x-hidden"
T = TypeVar("T")
Id = Annotated[ObjectId, _AsObjectId]
Hidden = Annotated[T, _Hidden]
Word = Annotated[T, Field(strict=False)]
"""A value of an enum, which is stored as its word."""
shape = with_config(ConfigDict(extra="forbid", strict=True))


@shape
class Kept(TypedDict):
    """What each document has."""

    _id: Id
    position: Hidden[int]
    """Of the last event that changed it."""


@shape
class Stored(Kept):
    """A document of one stream."""

    version: int
    """Of that stream, for If-Match."""

"""The shapes of stored documents: TypedDicts beside their folds. Tests hold every fold to them, and the
contract of the API is made of them.

    @shape
    class OrderDocument(Stored):
        userId: Id
        totalMinor: int

A fold never leaves a field out: what is not known yet is null. `NotRequired` are fields of documents that an
older build has written, and those that are taken away from them (an erased person's).
"""

from typing import Annotated, TypeVar

from bson import ObjectId
from pydantic import ConfigDict, Field, InstanceOf, WithJsonSchema, with_config
from typing_extensions import TypedDict

HIDDEN = "x-hidden"
T = TypeVar("T")
Id = Annotated[
    InstanceOf[ObjectId], WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{24}$"})
]
"""An ObjectId in MongoDB, 24 hexadecimal characters in an answer."""
Hidden = Annotated[T, Field(json_schema_extra={HIDDEN: True})]
"""No answer shows it."""
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

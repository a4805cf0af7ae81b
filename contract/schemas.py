"""JSON Schema (draft 2020-12, as OpenAPI 3.1 has it) of shapes: of documents as answers show them."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from projections.stored import HIDDEN

Schema = dict[str, Any]
REF = "#/components/schemas/{model}"


class Schemas:
    """Components by name, as operations come to need them."""

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}

    def of(self, shape: Any) -> Schema:
        """A reference for a TypedDict, which becomes a component with all that it is made of."""
        schema = TypeAdapter(shape).json_schema(mode="serialization", ref_template=REF)
        for name, inner in schema.pop("$defs", {}).items():
            self._add(name, inner)
        if schema.get("type") == "object" and "title" in schema:
            name = schema["title"]
            self._add(name, schema)
            return {"$ref": REF.format(model=name)}
        return dict(schema)

    def _add(self, name: str, schema: Schema) -> None:
        shown = as_shown(schema)
        known = self.components.setdefault(name, shown)
        if known != shown:
            raise TypeError(f"two shapes are called {name}")


def as_shown(schema: Schema) -> Schema:
    """As `dependencies.answers.present` shows a document: `_id` also as `id`, nothing that is ours alone."""
    if schema.get("type") != "object" or "properties" not in schema:
        return dict(plain(schema))
    properties: dict[str, Schema] = {}
    for name, inner in schema["properties"].items():
        if name == "_id":
            properties["_id"] = properties["id"] = plain(inner)
        elif not name.startswith("_") and not inner.get(HIDDEN):
            properties[name] = plain(inner)
    named = [name for name in schema.get("required", ()) if name in properties]
    required = (["id"] if "id" in properties else []) + named
    return dict(plain({**schema, "properties": properties, "required": required}))


def plain(schema: Any) -> Any:
    """Without the titles that only repeat a name."""
    if isinstance(schema, Mapping):
        return {
            name: {n: plain(inner) for n, inner in value.items()}
            if name in {"properties", "$defs"}
            else plain(value)
            for name, value in schema.items()
            if not (name == "title" and isinstance(value, str))
        }
    return [plain(one) for one in schema] if isinstance(schema, list) else schema


def partly(schema: Schema) -> Schema:
    """The same object with no field that must be there."""
    return {name: value for name, value in schema.items() if name != "required"}


def opened(schema: Any) -> Any:
    """Fields that come later are no fault of an old client: it must not refuse them."""
    if isinstance(schema, Mapping):
        return {
            name: opened(value)
            for name, value in schema.items()
            if not (name == "additionalProperties" and value is False)
        }
    return [opened(one) for one in schema] if isinstance(schema, list) else schema

"""Write an example of each event version that has none: `python -m tests.events.record`.

An example is kept for ever: what was stored once must decode for ever. So a file that exists is never
written again; a changed event gets a higher `class_version` and with it a new file beside the old one.
"""

import importlib
import json
import pkgutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import domain
from domain.kernel import EVENTS, DomainEvent
from integrations.event_store.mapping import subject_of, to_stored

EXAMPLES = Path(__file__).parent / "examples"
KEY = b"an example's key of 32 bytes...!"
OBJECT_ID = "65f000000000000000000001"

PATTERNS = {
    r"^[0-9a-f]{24}$": OBJECT_ID,
    r"^[0-9a-f]{64}$": "5a" * 32,
    r"^[A-Z]{3}$": "INR",
}
"""A text for each pattern that an event's field asks for. A new pattern needs a line here."""


def stored_events() -> dict[str, type[DomainEvent]]:
    """Every event of the domain, by its file's name. Events that tests make up are not among them."""
    for module in pkgutil.walk_packages(domain.__path__, "domain."):
        importlib.import_module(module.name)
    return {
        f"{topic}.v{event.class_version}": event
        for topic, event in EVENTS.items()
        if event.__module__.startswith("domain.")
    }


def example_of(event_class: type[DomainEvent]) -> dict[str, Any]:
    """The event as the store would hold it, its fields filled in by their types."""
    schema = event_class.model_json_schema(by_alias=False)
    values = filled(schema, schema.get("$defs", {}))
    event = event_class.model_validate(values)
    stream = f"example-{OBJECT_ID}"
    placed = event.model_copy(update={"originator_id": stream, "originator_version": 1})
    subject = subject_of(placed)
    return to_stored(placed, {} if subject is None else {subject: KEY})


def filled(schema: Mapping[str, Any], named: Mapping[str, Any]) -> Any:
    """A value that the schema accepts: the richest choice, one item in a list, no number zero."""
    if "$ref" in schema:
        return filled(named[schema["$ref"].rpartition("/")[2]], named)
    if "anyOf" in schema:
        return filled(next(s for s in schema["anyOf"] if s.get("type") != "null"), named)
    if choices := schema.get("enum"):
        return choices[0]
    match schema.get("type"):
        case "object":
            return _object(schema, named)
        case "array":
            return _array(schema, named)
        case other:
            return _plain(other, schema)


def _plain(kind: str | None, schema: Mapping[str, Any]) -> Any:
    values = {
        "string": _text(schema),
        "integer": max(1, schema.get("minimum", 1), schema.get("exclusiveMinimum", 0) + 1),
        "number": max(0.5, schema.get("minimum", 0.5)),
        "boolean": True,
    }
    return values.get(kind or "", schema.get("const", "anything"))


def _object(schema: Mapping[str, Any], named: Mapping[str, Any]) -> dict[str, Any]:
    if "properties" in schema:
        return {name: filled(part, named) for name, part in schema["properties"].items()}
    values = schema.get("additionalProperties")
    return {"key": filled(values, named)} if isinstance(values, dict) else {"key": "anything"}


def _array(schema: Mapping[str, Any], named: Mapping[str, Any]) -> list[Any]:
    if "prefixItems" in schema:
        return [filled(item, named) for item in schema["prefixItems"]]
    return [filled(schema.get("items", {}), named)]


def _text(schema: Mapping[str, Any]) -> str:
    if "pattern" in schema:
        return PATTERNS[schema["pattern"]]
    if schema.get("format") == "date-time":
        return "2026-11-23T12:00:00Z"
    return "text".ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength", 64)]


def main() -> None:
    EXAMPLES.mkdir(exist_ok=True)
    for name, event_class in sorted(stored_events().items()):
        path = EXAMPLES / f"{name}.json"
        if not path.exists():
            path.write_text(json.dumps(example_of(event_class), indent=2, sort_keys=True) + "\n")
            sys.stdout.write(f"{name}\n")


if __name__ == "__main__":
    main()

"""What was stored once decodes for ever. `python -m tests.events.record` writes what is missing."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from domain.kernel import EVENTS
from integrations.event_store.mapping import UndecodableEventError, personal_fields, to_event
from tests.events.record import EXAMPLES, KEY, stored_events

AT = datetime(2026, 11, 23, tzinfo=UTC)
FILES = sorted(EXAMPLES.glob("*.json"))


def stored(path: Path) -> dict[str, Any]:
    example: dict[str, Any] = json.loads(path.read_text())
    return example


def test_every_event_of_the_domain_has_its_example() -> None:
    missing = stored_events().keys() - {path.stem for path in FILES}
    assert not missing, "run: python -m tests.events.record"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_event_decodes_as_it_was_stored(path: Path) -> None:
    stored_events()
    example = stored(path)
    subject = example.get("personal", {}).get("subject")
    event = to_event(example, AT, {subject: KEY} if subject else {})
    assert type(event) is EVENTS[example["type"]]
    assert (event.originator_id, event.originator_version) == (example["stream"], 1)
    if example["schema"] == type(event).class_version:
        kept = event.model_dump(mode="json", exclude=set(personal_fields(type(event))))
        assert holds(kept, example["data"]), kept


def holds(kept: Any, stored: Any) -> bool:
    """Whether all that was stored is still there; fields may have come in since, at any depth."""
    if isinstance(stored, dict):
        return all(name in kept and holds(kept[name], value) for name, value in stored.items())
    if isinstance(stored, list):
        return len(kept) == len(stored) and all(map(holds, kept, stored))
    return bool(kept == stored)


def test_what_was_stored_and_is_lost_is_noticed() -> None:
    stored = {"lines": [{"sku": "A", "quantity": 1}]}
    assert holds({"lines": [{"sku": "A", "quantity": 1, "hsn": None}], "note": ""}, stored)
    lines: tuple[Any, ...] = ([], [{"sku": "A"}], [{"sku": "A", "quantity": 2}])
    assert not any(holds({"lines": kept}, stored) for kept in lines)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_event_of_a_forgotten_person_decodes_too(path: Path) -> None:
    stored_events()
    event = to_event(stored(path), AT, {})
    shown = event.model_dump()
    for name, erased in personal_fields(type(event)).items():
        if isinstance(erased, dict):
            assert shown[name] | erased == shown[name]
        else:
            assert shown[name] == erased


def test_a_topic_that_nobody_knows_is_refused() -> None:
    example = stored(FILES[0]) | {"type": "builtins:eval"}
    with pytest.raises(UndecodableEventError, match="not in the registry"):
        to_event(example, AT, {})

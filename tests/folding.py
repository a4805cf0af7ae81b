"""Events told to a projection, and the documents that it makes of them: each held to its shape."""

from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter

from domain.kernel import AggregateRoot, DomainEvent
from domain.ports.events import RecordedEvent
from projections.memory import fold
from projections.projection import Projection

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)

Told = tuple[type[AggregateRoot], str, DomainEvent]


def folded(projection: Projection, *told: Told) -> dict[Any, dict[str, Any]]:
    """The collection after these events, each told a second after the one before."""
    versions: dict[str, int] = {}
    history = []
    for position, (cls, object_id, event) in enumerate(told, 1):
        stream = cls.stream(object_id)
        versions[stream] = versions.get(stream, 0) + 1
        place = {"originator_id": stream, "originator_version": versions[stream]}
        history.append(_recorded(event.model_copy(update=place), position))
    documents = fold(projection, history)
    for document in documents.values():
        fits(projection, document)
    return documents


def fits(projection: Projection, document: Any) -> None:
    """Fails when a field is missing, is of another type or has no place in the shape."""
    if projection.document is not None:
        shape_of(projection.document).validate_python(document)


_shapes: dict[type[Any], TypeAdapter[Any]] = {}


def shape_of(document: type[Any]) -> TypeAdapter[Any]:
    if document not in _shapes:
        _shapes[document] = TypeAdapter(document)
    return _shapes[document]


def _recorded(event: DomainEvent, position: int) -> RecordedEvent:
    return RecordedEvent(
        position=position,
        event_id=str(position),
        commit_id=str(position),
        command="Test",
        actor="system",
        correlation="test",
        causation=None,
        at=AT + timedelta(seconds=position - 1),
        event=event,
    )

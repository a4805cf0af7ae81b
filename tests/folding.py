"""Events told to a projection, and the documents that it makes of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

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
    return fold(projection, history)


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

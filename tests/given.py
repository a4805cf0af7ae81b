"""Sentences about aggregates: given events, when a decision is asked, then events, or a refusal.

    given(PLACED, PROCESSING).when(Order.ship, tracking_number="D1").then(SHIPPED)
    given(PLACED).when(Order.ship, tracking_number="D1").then_raises(RuleViolation, "pending order")
    given().when(Order.place, ORDER_ID, customer_id=…).then(PLACED)

`then` asks the same decision a second time and expects nothing more: a decision asked twice records its
events once. (The birth of an aggregate cannot be asked twice; there the stream's version 1 guards.)
"""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from domain.errors import DomainError
from domain.kernel import AggregateRoot, DomainEvent

OBJECT_ID = "65f000000000000000000001"


def given(
    *events: DomainEvent, of: type[AggregateRoot] | None = None, object_id: str = OBJECT_ID
) -> "Given":
    """`of` names the aggregate where the decision is not one of its own methods."""
    return Given(events, of=of, object_id=object_id)


def replayed(
    cls: type[AggregateRoot], events: Sequence[DomainEvent], *, object_id: str = OBJECT_ID
) -> Any:
    """The aggregate as these events, stamped with their places, say."""
    stream = cls.stream(object_id)
    return cls.replay(
        event.model_copy(update={"originator_id": stream, "originator_version": version})
        for version, event in enumerate(events, 1)
    )


def payloads(events: Sequence[Any]) -> list[tuple[str, dict[str, Any]]]:
    """Events without their places: names and facts."""
    return [(type(event).TOPIC, event.model_dump()) for event in events]


class Given:
    def __init__(
        self, events: Sequence[DomainEvent], *, of: type[AggregateRoot] | None, object_id: str
    ) -> None:
        self._events = events
        self._of = of
        self._object_id = object_id

    def when(self, decision: Callable[..., Any], *arguments: Any, **named: Any) -> "When":
        if not self._events:
            return When(None, lambda: decision(*arguments, **named))
        aggregate = replayed(self._of or _owner(decision), self._events, object_id=self._object_id)
        return When(aggregate, lambda: decision(aggregate, *arguments, **named))


class When:
    def __init__(self, aggregate: Any, ask: Callable[[], Any]) -> None:
        self._aggregate = aggregate
        self._ask = ask

    def then(self, *expected: DomainEvent) -> Any:
        """Expects these events, and none when asked again. The aggregate, for a look at its state."""
        answer = self._ask()
        if self._aggregate is None:
            assert payloads(answer.pending_events) == payloads(expected)
            return answer
        assert payloads(self._aggregate.pending_events) == payloads(expected)
        self._ask()
        again = self._aggregate.pending_events[len(expected) :]
        assert payloads(again) == [], "asked a second time, the decision recorded more"
        return self._aggregate

    def then_nothing(self) -> Any:
        return self.then()

    def then_once(self, *expected: DomainEvent) -> Any:
        """Expects these events, and a refusal when asked again: the decision was a last one."""
        self._ask()
        assert payloads(self._aggregate.pending_events) == payloads(expected)
        with pytest.raises(DomainError):
            self._ask()
        return self._aggregate

    def then_raises(
        self, kind: type[DomainError], match: str | None = None, *, code: str = ""
    ) -> None:
        """Expects the refusal, and that nothing was recorded before it."""
        with pytest.raises(kind, match=match) as refusal:
            self._ask()
        assert not code or refusal.value.code == code
        assert self._aggregate is None or not self._aggregate.pending_events


def _owner(decision: Callable[..., Any]) -> type[AggregateRoot]:
    """`Order.ship` → Order."""
    owner = decision.__globals__[decision.__qualname__.partition(".")[0]]
    assert isinstance(owner, type), "say whose decision it is: given(…, of=Order)"
    assert issubclass(owner, AggregateRoot)
    return owner

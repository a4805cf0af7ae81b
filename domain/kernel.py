"""Aggregates and events: the `eventsourcing` library's engine with Pydantic events and typed triggers.

An aggregate's id is its stream, `<category>-<24 hex characters>`. Events declare an explicit TOPIC and
live in a closed registry: a stored topic that is not in it is refused, never imported.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, ParamSpec, Self, TypeVar

from eventsourcing.domain import BaseAggregate, CanInitAggregate, CanMutateAggregate
from eventsourcing.utils import register_topic
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

P = ParamSpec("P")
MUTABLE = frozenset({dict, list, set})
UNSTAMPED = datetime.min.replace(tzinfo=UTC)

EVENTS: dict[str, type["DomainEvent"]] = {}
"""Every event that may be stored, by topic."""

AGGREGATES: dict[str, type["AggregateRoot"]] = {}
"""Every aggregate, by the category of its streams."""


class ValueObject(BaseModel):
    # What is not a number is refused; in a field of any type it stays, for the store to refuse.
    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, ser_json_inf_nan="constants"
    )


Measure = Annotated[
    float, AfterValidator(lambda value: round(value, 4)), Field(allow_inf_nan=False)
]
"""A decimal fraction in an event: four places, so that every JSON writer prints the same digits."""


@dataclass(frozen=True)
class PersonalData:
    """Marks a field encrypted with its person's key; `erased` stands in once that key is destroyed."""

    erased: Any


class DomainEvent(ValueObject, CanMutateAggregate[str]):
    """A fact about one aggregate. Subclasses declare the facts only.

    Topics and fields are a storage format: change them only by adding fields with defaults, or by a
    higher `class_version` with an `upcast_v1_v2(state)` beside it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    TOPIC: ClassVar[str]
    SUBJECT: ClassVar[str | None] = None
    """The field that names the person whose key encrypts the personal fields."""
    class_version: ClassVar[int] = 1

    # Where the event stands: given by the aggregate, kept by the commit, never part of the payload.
    originator_id: str = Field(default="", init=False, exclude=True, repr=False)
    originator_version: int = Field(default=0, init=False, exclude=True, repr=False)
    timestamp: datetime = Field(default=UNSTAMPED, init=False, exclude=True, repr=False)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        topic = cls.__dict__.get("TOPIC")
        if topic is None:
            return
        if topic in EVENTS:
            raise TypeError(f"two events are called {topic}")
        EVENTS[topic] = cls
        register_topic(topic, cls)

    @staticmethod
    def create_timestamp() -> datetime:
        """The domain has no clock: a commit is stamped by the store."""
        return UNSTAMPED

    def apply(self, aggregate: Any) -> None:
        if handler := type(aggregate).appliers.get(type(self)):
            handler(aggregate, self)

    @property
    def object_id(self) -> str:
        """The id of the thing that this happened to: 24 hex characters for most."""
        return self.originator_id.partition("-")[2]


class UnreadableEvent(DomainEvent):
    """Stands in history where this build cannot read an event: its type is unknown or newer, or its data
    was changed. Whoever reads history sets it aside; no aggregate is ever built on one.
    """

    stored_type: str
    reason: str
    """Without the event's data: it goes into logs."""


class InitialEvent(DomainEvent, CanInitAggregate[str]):
    originator_topic: str = Field(default="", init=False, exclude=True, repr=False)

    def mutate(self, aggregate: Any) -> Any:
        """Build the aggregate from its first event. The category of the stream names its class."""
        assert aggregate is None
        aggregate_class = AGGREGATES[self.originator_id.partition("-")[0]]
        built = aggregate_class.__new__(aggregate_class)
        built.__base_init__(self.originator_id, self.originator_version, self.timestamp)
        self.apply(built)
        return built


A = TypeVar("A", bound="AggregateRoot")
E = TypeVar("E", bound=DomainEvent)


def applies(event_class: type[E]) -> Callable[[Callable[[A, E], None]], Callable[[A, E], None]]:
    """Mark the method that changes an aggregate's state by one type of event."""

    def mark(method: Callable[[A, E], None]) -> Callable[[A, E], None]:
        method.__applies__ = event_class  # type: ignore[attr-defined]
        return method

    return mark


class AggregateRoot(BaseAggregate[str]):
    """State holds only what decisions read. Commands call `record`; `@applies` methods change state."""

    appliers: ClassVar[dict[type[DomainEvent], Callable[..., None]]] = {}
    SNAPSHOT_EVERY: ClassVar[int] = 0
    """Events between two snapshots, for streams that grow for ever; 0 keeps none."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.appliers = dict(cls.appliers)
        for member in list(cls.__dict__.values()):
            if event_class := getattr(member, "__applies__", None):
                cls.appliers[event_class] = member
        if category := cls.__dict__.get("CATEGORY"):
            AGGREGATES[category] = cls

    @classmethod
    def stream(cls, object_id: str) -> str:
        return f"{cls.CATEGORY}-{object_id}"  # type: ignore[attr-defined]

    @property
    def object_id(self) -> str:
        return self.id.partition("-")[2]

    @classmethod
    def holds_personal_data(cls) -> bool:
        """Some of its state may have been decrypted with a person's key."""
        return any(event_class.SUBJECT for event_class in cls.appliers)

    def copy(self) -> Self:
        """Another one in the same state, with nothing pending. State is made of values that nobody changes
        in place, and of flat dictionaries, lists and sets of such values.
        """
        twin = object.__new__(type(self))
        twin.__dict__ = {
            name: value.copy() if type(value) in MUTABLE else value
            for name, value in self.__dict__.items()
        }
        twin._pending_events = []
        return twin

    @classmethod
    def start(
        cls, object_id: str, event_class: Callable[P, InitialEvent], *_: P.args, **payload: P.kwargs
    ) -> Self:
        """Begin an aggregate by recording its first event."""
        return cls._create(event_class, id=cls.stream(object_id), **payload)  # type: ignore[arg-type]

    def record(
        self, event_class: Callable[P, DomainEvent], *_: P.args, **payload: P.kwargs
    ) -> None:
        """Check the event's payload, apply it, and hold it until the unit of work commits."""
        self.trigger_event(event_class, **payload)  # type: ignore[arg-type]

    @classmethod
    def replay(cls, events: Iterable[DomainEvent]) -> Self | None:
        """Fold a stream, oldest first. None when it is empty."""
        aggregate: Any = None
        for event in events:
            aggregate = event.mutate(aggregate)
        return aggregate  # type: ignore[no-any-return]

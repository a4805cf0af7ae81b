"""Stock of one product: counted, received, reserved for orders, promised to paid ones, sent off.

The stream shares the product's id. Of the units on hand some are held: reserved for an unpaid order
or committed to a paid one. Never are more held than are on hand. A shop that does not count a
product (on hand None) sells it without a limit; the ledger of what is held is kept all the same.

Event topics and fields are a storage format: change them only by adding.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field

from domain.errors import RuleViolation
from domain.kernel import AggregateRoot, DomainEvent, InitialEvent, applies
from domain.values import OrderId, ProductId

Units = Annotated[int, Field(ge=0, le=999_999)]


class StockOpened(InitialEvent):
    """`available` here and below: units that could still be sold afterwards; None is not counted."""

    TOPIC: ClassVar[str] = "StockOpened"
    on_hand: Units | None
    limited: bool = False
    """Few are left, said the shop, and did not say how many."""
    available: Units | None


class StockCounted(DomainEvent):
    TOPIC: ClassVar[str] = "StockCounted"
    on_hand: Units | None
    limited: bool = False
    available: Units | None


class StockReceived(DomainEvent):
    TOPIC: ClassVar[str] = "StockReceived"
    quantity: Units
    on_hand: Units
    available: Units


class StockReserved(DomainEvent):
    TOPIC: ClassVar[str] = "StockReserved"
    order_id: OrderId
    quantity: Units
    until: datetime
    available: Units | None


class StockReleased(DomainEvent):
    TOPIC: ClassVar[str] = "StockReleased"
    order_id: OrderId
    quantity: Units
    available: Units | None


class StockCommitted(DomainEvent):
    TOPIC: ClassVar[str] = "StockCommitted"
    order_id: OrderId
    quantity: Units
    available: Units | None


class StockDispatched(DomainEvent):
    TOPIC: ClassVar[str] = "StockDispatched"
    order_id: OrderId
    quantity: Units
    on_hand: Units | None
    available: Units | None


class Stock(AggregateRoot):
    TOPIC: ClassVar[str] = "Stock"
    CATEGORY: ClassVar[str] = "stock"
    SNAPSHOT_EVERY: ClassVar[int] = 200

    @classmethod
    def open(cls, product_id: ProductId, *, on_hand: int | None, limited: bool = False) -> Self:
        return cls.start(
            product_id, StockOpened, on_hand=on_hand, limited=limited, available=on_hand
        )

    @property
    def available(self) -> int | None:
        return None if self.on_hand is None else self.on_hand - self.held

    def count(self, *, on_hand: int | None, limited: bool = False) -> None:
        """Raise RuleViolation when fewer were counted than orders hold. None stops the counting."""
        if (on_hand, limited) == (self.on_hand, self.limited):
            return
        if on_hand is not None and on_hand < self.held:
            raise RuleViolation(
                f"{self.held} units are held for orders, so the stock cannot be {on_hand}",
                code="stock-held",
                held=self.held,
            )
        left = None if on_hand is None else on_hand - self.held
        self.record(StockCounted, on_hand=on_hand, limited=limited, available=left)

    def receive(self, *, quantity: int) -> None:
        """Add units. Not idempotent: two deliveries may be equal; the command's id tells them apart."""
        if self.on_hand is None or self.available is None:
            raise RuleViolation("this product is not counted; count it first", code="not-counted")
        self.record(
            StockReceived,
            quantity=quantity,
            on_hand=self.on_hand + quantity,
            available=self.available + quantity,
        )

    def can_hold(self, quantity: int) -> bool:
        return self.available is None or quantity <= self.available

    def reserve(self, order_id: OrderId, *, quantity: int, until: datetime) -> None:
        """Hold units for an unpaid order. Raise RuleViolation `insufficient-stock`."""
        if order_id in self.reserved or order_id in self.committed:
            return
        if not self.can_hold(quantity):
            raise RuleViolation(
                f"only {self.available} left", code="insufficient-stock", available=self.available
            )
        self.record(
            StockReserved,
            order_id=order_id,
            quantity=quantity,
            until=until,
            available=self._available_after(-quantity),
        )

    def release(self, order_id: OrderId) -> None:
        """Give back what a cancelled order held, reserved or committed."""
        quantity = self.reserved.get(order_id) or self.committed.get(order_id)
        if quantity:
            self.record(
                StockReleased,
                order_id=order_id,
                quantity=quantity,
                available=self._available_after(quantity),
            )

    def commit(self, order_id: OrderId) -> None:
        """Promise reserved units to an order that is paid. Raise RuleViolation `not-reserved`."""
        if order_id in self.committed:
            return
        if order_id not in self.reserved:
            raise RuleViolation("nothing is reserved for this order", code="not-reserved")
        self.record(
            StockCommitted,
            order_id=order_id,
            quantity=self.reserved[order_id],
            available=self.available,
        )

    def dispatch(self, order_id: OrderId) -> None:
        """The order's units leave the shop."""
        quantity = self.committed.get(order_id)
        if quantity:
            self.record(
                StockDispatched,
                order_id=order_id,
                quantity=quantity,
                on_hand=None if self.on_hand is None else self.on_hand - quantity,
                available=self.available,
            )

    def _available_after(self, change: int) -> int | None:
        return None if self.available is None else self.available + change

    @applies(StockOpened)
    def _opened(self, event: StockOpened) -> None:
        self.on_hand: int | None = event.on_hand
        self.limited: bool = event.limited
        self.reserved: dict[OrderId, int] = {}
        self.committed: dict[OrderId, int] = {}
        self.held: int = 0

    @applies(StockCounted)
    def _counted(self, event: StockCounted) -> None:
        self.on_hand = event.on_hand
        self.limited = event.limited

    @applies(StockReceived)
    def _received(self, event: StockReceived) -> None:
        self.on_hand = event.on_hand

    @applies(StockReserved)
    def _reserved(self, event: StockReserved) -> None:
        self.reserved[event.order_id] = event.quantity
        self.held += event.quantity

    @applies(StockReleased)
    def _released(self, event: StockReleased) -> None:
        self.held -= self.reserved.pop(event.order_id, 0) + self.committed.pop(event.order_id, 0)

    @applies(StockCommitted)
    def _committed(self, event: StockCommitted) -> None:
        self.committed[event.order_id] = self.reserved.pop(event.order_id)

    @applies(StockDispatched)
    def _dispatched(self, event: StockDispatched) -> None:
        self.held -= self.committed.pop(event.order_id)
        self.on_hand = event.on_hand

    def snapshot_state(self) -> dict[str, Any]:
        """The state as JSON. What an order holds leaves with its parcel, so this stays small."""
        return {
            "on_hand": self.on_hand,
            "limited": self.limited,
            "reserved": dict(self.reserved),
            "committed": dict(self.committed),
        }

    def restore_snapshot(self, state: Mapping[str, Any]) -> None:
        """Set the state of an aggregate that stands at the snapshot's version."""
        self.on_hand = state["on_hand"]
        self.limited = state["limited"]
        self.reserved = dict(state["reserved"])
        self.committed = dict(state["committed"])
        self.held = sum(self.reserved.values()) + sum(self.committed.values())

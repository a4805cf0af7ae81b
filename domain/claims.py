"""Claims: one owner at a time for an e-mail address, a mobile number, a SKU.

A claim is a stream named by a keyed hash of the value, so the name tells nothing to those without the
key; it is committed together with what it is claimed for, so two owners can never both succeed.
"""

import hashlib
import hmac
from typing import ClassVar, Self

from domain.errors import Taken
from domain.kernel import AggregateRoot, DomainEvent, InitialEvent, applies

SENTENCES = {
    "email": "another account uses this e-mail address",
    "mobile": "another account uses this mobile number",
    "sku": "another product has this SKU",
}


def claim_id(kind: str, value: str, key: bytes) -> str:
    """The claim's name: 48 hexadecimal characters of HMAC-SHA-256 over the kind and the value."""
    return hmac.new(key, f"{kind}\0{value}".encode(), hashlib.sha256).hexdigest()[:48]


class ClaimTaken(InitialEvent):
    """The value has its first owner."""

    TOPIC: ClassVar[str] = "ClaimTaken"
    kind: str
    owner: str


class ClaimTakenAgain(DomainEvent):
    """A value that had been given back has an owner again."""

    TOPIC: ClassVar[str] = "ClaimTakenAgain"
    owner: str


class ClaimReleased(DomainEvent):
    TOPIC: ClassVar[str] = "ClaimReleased"


class Claim(AggregateRoot):
    TOPIC: ClassVar[str] = "Claim"
    CATEGORY: ClassVar[str] = "claim"

    @classmethod
    def take(cls, claim_id: str, *, owner: str, kind: str = "value") -> Self:
        """A value that nobody ever had: the commit fails when another one takes it meanwhile."""
        return cls.start(claim_id, ClaimTaken, kind=kind, owner=owner)

    def take_again(self, owner: str) -> None:
        """Raise Taken while it belongs to another."""
        if self.owner == owner:
            return
        if self.owner is not None:
            sentence = SENTENCES.get(self.kind, f"this {self.kind} is taken")
            raise Taken(sentence, code=f"{self.kind}-taken")
        self.record(ClaimTakenAgain, owner=owner)

    def release(self) -> None:
        """Give it back, for the next one to take."""
        if self.owner is not None:
            self.record(ClaimReleased)

    @applies(ClaimTaken)
    def _taken(self, event: ClaimTaken) -> None:
        self.kind: str = event.kind
        self.owner: str | None = event.owner

    @applies(ClaimTakenAgain)
    def _taken_again(self, event: ClaimTakenAgain) -> None:
        self.owner = event.owner

    @applies(ClaimReleased)
    def _released(self, _: ClaimReleased) -> None:
        self.owner = None

"""Sessions: one for each sign-in, kept alive by refresh tokens that work once.

Only hashes of refresh tokens are recorded. The token after a given one is always the same, so a client
whose answer was lost may ask again for `GRACE`; whoever shows an older token has stolen it or was robbed,
and the session ends for both.

Event topics and fields are a storage format: change them only by adding.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Self

from domain.errors import Unauthenticated
from domain.kernel import AggregateRoot, DomainEvent, InitialEvent, PersonalData, applies
from domain.values import Role

GRACE = timedelta(seconds=30)
MOST_REFRESHES = 10_000
"""A session's stream ends somewhere: then one signs in again."""

REUSED = "refresh-token-reused"

Personal = Annotated[str, PersonalData(erased="")]


@dataclass(frozen=True)
class User:
    """The caller, by an access token whose session is alive."""

    id: str
    roles: frozenset[Role]
    session_id: str

    def has(self, *roles: Role) -> bool:
        """An administrator may do what any role may."""
        return Role.ADMIN in self.roles or not self.roles.isdisjoint(roles)


@dataclass(frozen=True)
class AccessClaims:
    """What a genuine access token says: whose it is, and of which session."""

    user_id: str
    session_id: str


class SessionStarted(InitialEvent):
    TOPIC: ClassVar[str] = "SessionStarted"
    SUBJECT: ClassVar[str | None] = "account_id"
    account_id: str
    era: int
    token_hash: str
    device: Personal
    address: Personal
    started_at: datetime
    idle_seconds: int
    expires_at: datetime


class SessionRefreshed(DomainEvent):
    TOPIC: ClassVar[str] = "SessionRefreshed"
    token_hash: str
    refreshed_at: datetime


class SessionEnded(DomainEvent):
    TOPIC: ClassVar[str] = "SessionEnded"
    reason: str


class Session(AggregateRoot):
    TOPIC: ClassVar[str] = "Session"
    CATEGORY: ClassVar[str] = "session"

    @classmethod
    def begin(
        cls,
        session_id: str,
        *,
        account_id: str,
        era: int,
        token_hash: str,
        device: str,
        address: str,
        now: datetime,
        idle: timedelta,
        longest: timedelta,
    ) -> Self:
        return cls.start(
            session_id,
            SessionStarted,
            account_id=account_id,
            era=era,
            token_hash=token_hash,
            device=device[:200],
            address=address,
            started_at=now,
            idle_seconds=int(idle.total_seconds()),
            expires_at=now + longest,
        )

    def refresh(self, *, presented: str, successor: str, now: datetime) -> None:
        """Spend the presented token's hash for its successor's. A spent one ends the session.

        Raise Unauthenticated when the session is over, or the token was never of this session.
        """
        if self.ended or now >= min(self.expires_at, self.refreshed_at + self.idle):
            raise Unauthenticated("this session has ended", code="session-ended")
        if presented == self.current and len(self.spent) < MOST_REFRESHES:
            self.record(SessionRefreshed, token_hash=successor, refreshed_at=now)
        elif presented not in self.spent:
            raise Unauthenticated("not a refresh token of ours", code="invalid-token")
        elif successor != self.current or now - self.refreshed_at > GRACE:
            self.record(SessionEnded, reason=REUSED)

    def end(self, *, reason: str) -> None:
        """Repeating it changes nothing."""
        if not self.ended:
            self.record(SessionEnded, reason=reason)

    @applies(SessionStarted)
    def _started(self, event: SessionStarted) -> None:
        self.account_id: str = event.account_id
        self.era: int = event.era
        self.current: str = event.token_hash
        self.spent: set[str] = set()
        self.idle: timedelta = timedelta(seconds=event.idle_seconds)
        self.expires_at: datetime = event.expires_at
        self.refreshed_at: datetime = event.started_at
        self.ended: bool = False

    @applies(SessionRefreshed)
    def _refreshed(self, event: SessionRefreshed) -> None:
        self.spent.add(self.current)
        self.current = event.token_hash
        self.refreshed_at = event.refreshed_at

    @applies(SessionEnded)
    def _ended(self, _: SessionEnded) -> None:
        self.ended = True

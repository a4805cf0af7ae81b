"""Who is signed in: what the streams of session and account say, remembered for a second.

So an ended session is refused everywhere within a second, with no list of revoked tokens that could be
lost, and the process that ended it refuses it at once.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime

from domain.accounts import Account
from domain.errors import Unauthenticated
from domain.ports.events import EventStore
from domain.sessions import Session, User

FRESH_SECONDS = 1.0
MAX_ENTRIES = 10_000


class SessionGate:
    """Fits `dependencies.services.Sessions`. Bounded: the one not asked for longest leaves first."""

    def __init__(
        self,
        store: EventStore,
        *,
        fresh_seconds: float = FRESH_SECONDS,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._fresh_seconds = fresh_seconds
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, User]] = OrderedDict()

    async def user(self, *, user_id: str, session_id: str) -> User:
        """Raise Unauthenticated when the session has ended, or the account does not count it any more."""
        now = asyncio.get_running_loop().time()
        known = self._known.get(session_id)
        if known is not None and now - known[0] < self._fresh_seconds and known[1].id == user_id:
            return known[1]
        user = await self._look(user_id, session_id)
        self._remember(user, now)
        return user

    def forget(self, user_id: str) -> None:
        """Look again at all sessions of this account."""
        for session_id in [s for s, (_, user) in self._known.items() if user.id == user_id]:
            del self._known[session_id]

    async def _look(self, user_id: str, session_id: str) -> User:
        session: Session | None
        account: Account | None
        session, account = await asyncio.gather(
            self._store.load(Session, session_id), self._store.load(Account, user_id)
        )
        if (
            session is None
            or account is None
            or session.ended
            or session.account_id != user_id
            or self._clock() >= session.expires_at
            or not account.accepts(session_id, era=session.era)
        ):
            raise Unauthenticated("this session has ended", code="session-ended")
        return User(id=user_id, roles=account.roles, session_id=session_id)

    def _remember(self, user: User, now: float) -> None:
        self._known[user.session_id] = (now, user)
        self._known.move_to_end(user.session_id)
        while len(self._known) > MAX_ENTRIES:
            self._known.popitem(last=False)

"""Read your own writes: wait until the read models have applied a commit or a position.

Each API process listens once to the projectors' announcements and wakes its waiters. An announcement
may be missed; when one is (they say where they begin), or when NATS comes back, the checkpoint and the
waiting commits are read once.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from domain.errors import Unavailable
from domain.ports.events import Commit
from integrations.changes import Changes
from integrations.messaging.announcements import Announcement, applied_subject
from integrations.messaging.connection import Connection

log = structlog.get_logger(__name__)

RECENT_COMMITS = 20_000
FLUSH_SECONDS = 5
LISTEN_SECONDS = 0.25
"""A commit not announced by then is looked up once: it may have been applied before we listened."""

Span = tuple[int, int]


class Commits(Protocol):
    async def commit(self, commit_id: str) -> Commit | None: ...


class Consistency:
    """Fits `dependencies.services.Consistency`."""

    def __init__(
        self,
        connection: Connection,
        *,
        commits: Commits,
        checkpoint: Callable[[], Awaitable[int]],
        stream: str = "EVENTS",
    ) -> None:
        """`checkpoint` reads the position of the live read models."""
        self._connection = connection
        self._commits = commits
        self._checkpoint = checkpoint
        self._subject = applied_subject(stream)
        self._subscription: Subscription | None = None
        self._position = 0
        self._recent: OrderedDict[str, Span] = OrderedDict()
        self._waiting: dict[asyncio.Future[None], Callable[[], bool]] = {}
        self._missed = 0
        self._changes = Changes()

    @property
    def position(self) -> int:
        """Everything up to here can be read."""
        return self._position

    async def start(self) -> None:
        self._connection.on_reconnect(self.refresh)
        self._subscription = await self._connection.subscribe(self._subject, cb=self._listen)
        await self._connection.flush(timeout=FLUSH_SECONDS)  # the server listens before we look
        await self.refresh()

    async def close(self) -> None:
        if self._subscription is not None and not self._connection.is_closed:
            await self._subscription.unsubscribe()

    async def refresh(self) -> None:
        """Look once where the read models stand, and let every waiting commit look for its place."""
        await self._look()
        self._missed += 1
        self._tell()

    def last_change(self, types: frozenset[str]) -> int | None:
        return self._changes.last(types) if self._connection.is_connected else None

    async def _look(self) -> None:
        try:
            position = await self._checkpoint()
            if position > self._position:
                self._changes.note(None, position)
            self._position = max(self._position, position)
        except Unavailable as e:
            log.warning("the checkpoint cannot be read", reason=e.detail)

    # --- listening ---

    async def _listen(self, message: Msg) -> None:
        try:
            said = Announcement.from_json(message.data)
        except (ValueError, KeyError) as e:
            log.warning("not an announcement of ours", reason=repr(e))
            return
        if said.after > self._position:
            self._missed += 1
            self._changes.note(None, said.after)
        self._changes.note(said.types, said.position)
        for commit_id, span in said.commits.items():
            self._remember(commit_id, span)
        self._position = max(self._position, said.position)
        self._tell()

    def _remember(self, commit_id: str, span: Span) -> None:
        """A commit's events may come in several announcements."""
        first = min(span[0], self._recent.pop(commit_id, span)[0])
        self._recent[commit_id] = (first, span[1])
        if len(self._recent) > RECENT_COMMITS:
            self._recent.popitem(last=False)

    def _tell(self) -> None:
        for future, ready in self._waiting.items():
            if not future.done() and ready():
                future.set_result(None)

    # --- waiting ---

    async def wait_for_position(self, position: int, *, seconds: float) -> bool:
        """True once everything up to this position can be read; False when time is up.

        Announcements may be lost, as while NATS is away: the checkpoint is read before giving up.
        """
        if await self._until(lambda: position <= self._position, seconds=seconds):
            return True
        await self._look()
        return position <= self._position

    async def wait_for_commit(
        self, commit_id: str, *, seconds: float, events: int | None = None
    ) -> int | None:
        """The position of the commit's last event once it can be read; None when time is up.

        `events` is how many the commit has: with it, nothing has to be read from the store.
        """
        deadline = _now() + seconds
        patience = min(seconds, LISTEN_SECONDS)
        while True:

            def news(missed: int = self._missed, events: int | None = events) -> bool:
                return self._heard_of(commit_id, events) or self._missed > missed

            await self._until(news, seconds=patience)
            if events is not None and self._heard_of(commit_id, events):
                return self._recent[commit_id][1]
            commit = await self._commits.commit(commit_id)
            patience = deadline - _now()
            if commit is not None and (last := commit.last_position) is not None:
                return last if await self.wait_for_position(last, seconds=patience) else None
            if commit is not None and commit.events:
                events = commit.events  # placed, but not marked yet: its announcement will tell
            if patience <= 0:
                return None

    def _heard_of(self, commit_id: str, events: int | None) -> bool:
        """Announced; from its first event to its last, if we know how many there are."""
        first, last = self._recent.get(commit_id, (1, 0))
        return last - first + 1 >= (events or 1)

    async def _until(self, ready: Callable[[], bool], *, seconds: float) -> bool:
        if ready():
            return True
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[future] = ready
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await future
        except TimeoutError:
            return ready()
        finally:
            del self._waiting[future]
        return True


def _now() -> float:
    return asyncio.get_running_loop().time()

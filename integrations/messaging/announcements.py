"""What the projectors have applied, on core NATS: `kundan.applied`. Heard at most once; hints, not facts."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import nats.errors
import structlog
from nats.aio.client import Client

log = structlog.get_logger(__name__)


class Applied(Protocol):
    """As `projections.runner.Applied`."""

    @property
    def after(self) -> int: ...
    @property
    def position(self) -> int: ...
    @property
    def commits(self) -> Mapping[str, tuple[int, int]]: ...
    @property
    def types(self) -> Collection[str] | None: ...


@dataclass(frozen=True, kw_only=True)
class Announcement:
    """The read models have gone from `after` to `position`."""

    after: int
    position: int
    commits: Mapping[str, tuple[int, int]]
    """Commit id → positions of its first and last event in between."""
    types: Collection[str] | None = None
    """Of the events in between: who keeps answers learns which are old. None from who does not say."""

    def to_json(self) -> bytes:
        """`commits` says the last position; `first` the first one, where a commit has several events."""
        fields: dict[str, Any] = {
            "position": self.position,
            "after": self.after,
            "commits": {commit: last for commit, (_, last) in self.commits.items()},
            "first": {c: first for c, (first, last) in self.commits.items() if first < last},
        }
        if self.types is not None:
            fields["types"] = sorted(self.types)
        return json.dumps(fields, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, body: bytes) -> Self:
        """Raises ValueError or KeyError for what no projector of ours has said."""
        fields = json.loads(body)
        first = fields["first"]
        commits = {c: (int(first.get(c, last)), int(last)) for c, last in fields["commits"].items()}
        return cls(
            after=int(fields["after"]),
            position=int(fields["position"]),
            commits=commits,
            types=fields.get("types"),
        )


def applied_subject(stream: str) -> str:
    """`kundan.applied`; a second shop on the same broker has its stream's name in it."""
    return "kundan.applied" if stream == "EVENTS" else f"kundan.applied.{stream}"


class Announcer:
    """Fits `projections.runner.Announce`. A broker that is away costs the announcement, no more."""

    def __init__(self, connection: Client, *, subject: str) -> None:
        self._connection = connection
        self._subject = subject

    async def __call__(self, applied: Applied) -> None:
        said = Announcement(
            after=applied.after,
            position=applied.position,
            commits=applied.commits,
            types=applied.types,
        )
        try:
            await self._connection.publish(self._subject, said.to_json())
        except nats.errors.Error as e:
            log.warning("an announcement was lost", position=applied.position, reason=repr(e))

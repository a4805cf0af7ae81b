"""To carry a request's command out."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Protocol

from fastapi import Depends, Request, Response

from dependencies.services import View, services_of
from domain.kernel import AggregateRoot
from domain.ports.events import Commit


class CommandOutcome(Protocol):
    """What a command came to; `commands.unit_of_work.Outcome`."""

    @property
    def commit(self) -> Commit | None: ...
    @property
    def object_id(self) -> str | None: ...
    @property
    def version(self) -> int: ...


class Executor(Protocol):
    """Carries one request's command out and answers with what the projection then shows."""

    async def __call__(
        self,
        handler: Callable[[Any], Awaitable[AggregateRoot | None]],
        *,
        shows: str | None = None,
        status: int = 200,
        view: View | None = None,
        location: str | None = None,
        content_digest: bytes = b"",
    ) -> Response:
        """Load, decide, append, wait for the projection (bounded), answer.

        `shows` is the collection of the document to show (None: `data` is null), `view` shows it another
        way than the collection's own, `location` is the header's template (`/api/orders/{id}`) where
        it is not the request's path and the id. `content_digest` stands for a multipart body, which
        cannot be read again, in the fingerprint of an Idempotency-Key.
        """

    async def carry_out(
        self,
        handler: Callable[[Any], Awaitable[AggregateRoot | None]],
        *,
        content_digest: bytes = b"",
    ) -> CommandOutcome:
        """The same without an answer, for endpoints that make their own."""

    async def shown(self, outcome: CommandOutcome, collection: str) -> dict[str, Any] | None:
        """The document as soon as the projection has it; None when time is up or it is gone."""

    async def headers(self, outcome: CommandOutcome) -> dict[str, str]:
        """ETag and Consistency-Token of what the command came to."""


async def _executor(request: Request) -> Executor:
    """Built by `main.py`, so that this module, which queries use too, knows no commands."""
    executor: Executor = request.app.state.executor(request, services_of(request))
    return executor


Execute = Annotated[Executor, Depends(_executor)]

"""Carries the command of one request out, and answers with what its projection then shows.

An Idempotency-Key makes the request safe to repeat, If-Match refuses it when the thing has changed since,
and the answer says by ETag and Consistency-Token which state it shows.
"""

import re
from typing import Any

from fastapi import Request, Response

from commands.context import command_name, request_command_id, request_fingerprint
from commands.unit_of_work import Handler, Outcome, carry_out
from dependencies.answers import answer, etag, view_of
from dependencies.services import Services, View
from domain.errors import Invalid, PreconditionFailed
from domain.ports.events import CommandContext
from domain.sessions import User

KEY = re.compile(r"[\x21-\x7e]{1,255}")
ENTITY_TAG = re.compile(r'(?:W/)?"v(\d{1,9})"')


class Execution:
    """One request's. Fits `dependencies.executor.Executor`."""

    def __init__(self, request: Request, services: Services) -> None:
        self._request = request
        self._services = services
        self._place: int | None = None

    async def __call__(
        self,
        handler: Handler,
        *,
        shows: str | None = None,
        status: int = 200,
        view: View | None = None,
        location: str | None = None,
        content_digest: bytes = b"",
    ) -> Response:
        outcome = await self.carry_out(handler, content_digest=content_digest)
        document = None if shows is None else await self.shown(outcome, shows)
        headers = await self.headers(outcome) | etag(document or {})
        if outcome.object_id is not None and status in {201, 202}:
            headers["Location"] = self._location(location, outcome.object_id)
        if outcome.repeated:
            headers["Idempotent-Replayed"] = "true"
        if document is None or shows is None:
            is_awaited = shows is not None and outcome.object_id is not None
            return answer(_name(outcome), status=202 if is_awaited else status, headers=headers)
        return answer(self._show(document, shows, view), status=status, headers=headers)

    async def carry_out(self, handler: Handler, *, content_digest: bytes = b"") -> Outcome:
        return await carry_out(
            handler,
            await self._context(handler, content_digest),
            self._services.store,
            claims_key=self._services.keyring.claims,
            clock=self._services.clock,
            expected_version=self._expected_version(),
        )

    async def shown(self, outcome: Outcome, collection: str) -> dict[str, Any] | None:
        if outcome.object_id is None or not await self._visible(outcome):
            return None
        return await self._find(outcome.object_id, collection)

    async def headers(self, outcome: Outcome) -> dict[str, str]:
        headers = {"ETag": f'"v{outcome.version}"'} if outcome.version else {}
        if outcome.commit is not None:
            position = outcome.commit.last_position or self._place
            token = f"c{outcome.commit.id}" if position is None else f"p{position}"
            headers["Consistency-Token"] = token
        return headers

    async def _visible(self, outcome: Outcome) -> bool:
        """Wait until the read models have the commit, at most `consistency_wait_seconds`."""
        if outcome.commit is None:
            return True
        seconds = self._services.settings.consistency_wait_seconds
        consistency = self._services.consistency
        if (position := outcome.commit.last_position) is not None:
            self._place = position
            return await consistency.wait_for_position(position, seconds=seconds)
        self._place = await consistency.wait_for_commit(
            outcome.commit.id, seconds=seconds, events=outcome.commit.events
        )
        return self._place is not None

    async def _find(self, object_id: str, collection: str) -> dict[str, Any] | None:
        return await self._services.documents.find(collection, object_id)

    def _show(self, document: dict[str, Any], shows: str, view: View | None) -> dict[str, Any]:
        if view is not None:
            return view(document, self._services)
        return view_of(self._services, shows)(document)

    def _location(self, template: str | None, object_id: str) -> str:
        return (template or self._request.url.path + "/{id}").replace("{id}", object_id)

    async def _context(self, handler: Handler, content_digest: bytes) -> CommandContext:
        user: User | None = getattr(self._request.state, "user", None)
        actor = "anonymous" if user is None else f"user-{user.id}"
        key = self._request.headers.get("idempotency-key")
        fingerprint = None if key is None else await self._fingerprint(content_digest)
        # Strangers share no keys: what one of them asks for is part of the name of it.
        whose = f"{actor} {fingerprint}" if user is None else actor
        return CommandContext(
            command=command_name(handler),
            actor=actor,
            correlation=self._request.state.request_id,
            command_id=None if key is None else self._command_id(key, whose),
            fingerprint=fingerprint,
        )

    def _command_id(self, key: str, whose: str) -> str:
        if not KEY.fullmatch(key):
            raise Invalid(
                "an Idempotency-Key is 1 to 255 visible ASCII characters",
                code="invalid-idempotency-key",
            )
        route = f"{self._request.method} {self._request.url.path}"
        return request_command_id(actor=whose, route=route, key=key)

    async def _fingerprint(self, content_digest: bytes) -> str:
        request = self._request
        return request_fingerprint(
            self._services.keyring.requests,
            method=request.method,
            path=f"{request.url.path}?{request.url.query}",
            body=content_digest or await request.body(),
        )

    def _expected_version(self) -> int | None:
        tag = self._request.headers.get("if-match")
        if tag is None or tag.strip() == "*":
            return None
        if found := ENTITY_TAG.fullmatch(tag.strip()):
            return int(found[1])
        raise PreconditionFailed('If-Match takes an ETag of ours, such as "v3"')


def _name(outcome: Outcome) -> dict[str, str] | None:
    """What there is to tell of a thing that cannot be shown (yet): its id."""
    if outcome.object_id is None:
        return None
    return {"_id": outcome.object_id, "id": outcome.object_id}

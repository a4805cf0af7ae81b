"""Commands as they come in, and the context that is stamped on what they append."""

import functools
import hashlib
import hmac
from collections.abc import Awaitable, Callable

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from domain.kernel import AggregateRoot
from domain.ports.events import CommandContext, RecordedEvent


class Command(BaseModel):
    """The body of a request: camelCase outside, and nothing in it that we do not know."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True
    )


def policy_context(
    policy: str, recorded: RecordedEvent, *, command: str, part: str = ""
) -> CommandContext:
    """A policy acts once on an event, however often the event comes: its id is the command's id.

    `part` names one of several commands that an event leads to.
    """
    return CommandContext(
        command=command,
        actor=f"policy-{policy}",
        correlation=recorded.correlation,
        causation=recorded.event_id,
        command_id=f"{policy}:{recorded.event_id}" + (f":{part}" if part else ""),
    )


def system_context(
    command: str, *, correlation: str, command_id: str | None = None
) -> CommandContext:
    """The shop itself acts: its start, its clock, an operator at the command line."""
    return CommandContext(
        command=command, actor="system", correlation=correlation, command_id=command_id
    )


def request_command_id(*, actor: str, route: str, key: str) -> str:
    """An Idempotency-Key counts for one actor on one route."""
    return hashlib.sha256(f"{actor}\0{route}\0{key}".encode()).hexdigest()


def request_fingerprint(key: bytes, *, method: str, path: str, body: bytes) -> str:
    """What a repeated Idempotency-Key must repeat. SHA-256 with a key of ours, because it is kept for ever
    and the body may hold a password that a bare hash would let one guess.
    """
    return hmac.new(
        key, b"\0".join((method.encode(), path.encode(), body)), hashlib.sha256
    ).hexdigest()


def command_name(handler: Callable[..., Awaitable[AggregateRoot | None]]) -> str:
    """`place_order` → PlaceOrder."""
    while isinstance(handler, functools.partial):
        handler = handler.func
    return "".join(word.capitalize() for word in handler.__name__.strip("_").split("_"))

"""What a policy is: whenever these events happen, then this. `policies.py` lists them all."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from commands.context import policy_context
from commands.unit_of_work import Handler, perform
from dependencies.services import Services
from domain.kernel import DomainEvent
from domain.ports.events import Commit, RecordedEvent

Reaction = Callable[[RecordedEvent, Services], Awaitable[None]]


@dataclass(frozen=True)
class Policy:
    """A sentence of the business, the events that it waits for, and what it does.

    It is called at least once for each of them, never in a rebuild, and must act once: its commands take
    `context.policy_context(name, recorded, …)`, its mails the event's id as key.
    """

    name: str
    on: tuple[type[DomainEvent], ...]
    react: Reaction

    async def __call__(self, recorded: RecordedEvent, services: Services) -> None:
        await self.react(recorded, services)

    @property
    def sentence(self) -> str:
        """Its docstring's first line, or its name in words."""
        doc = inspect.getdoc(self.react)
        return doc.partition("\n")[0] if doc else self.name.replace("_", " ")


def policy(name: str, *, on: tuple[type[DomainEvent], ...]) -> Callable[[Reaction], Policy]:
    """Make a policy of a function. The name is also its durable consumer's: never change it."""

    def made(react: Reaction) -> Policy:
        return Policy(name=name, on=on, react=react)

    return made


async def act(
    name: str,
    handler: Handler,
    recorded: RecordedEvent,
    services: Services,
    *,
    command: str,
    part: str = "",
) -> Commit | None:
    """A policy's command, once for its event and part. None: there was nothing to do."""
    return await perform(
        handler, policy_context(name, recorded, command=command, part=part), services
    )

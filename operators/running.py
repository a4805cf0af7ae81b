"""How a command of the command line runs: services opened, errors told in a sentence, an exit code."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TypeVar

import typer
from nats.errors import Error as NatsError
from pymongo.errors import PyMongoError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bootstrap import open_services
from dependencies.reading import ReadingServices
from domain.errors import DomainError
from domain.read_models import MovedError
from settings import load_settings

T = TypeVar("T")

OPEN_SECONDS = 10.0
"""To connect; the programs of the shop wait for ever, somebody at a keyboard does not."""

console = Console(highlight=False)
complaints = Console(stderr=True, highlight=False)


def with_services(work: Callable[[ReadingServices], Awaitable[T]]) -> T:
    """Run `work` with everything connected. Exit code 2 when a server or the request is at fault."""

    async def run() -> T:
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(OPEN_SECONDS):
                opening = open_services(load_settings(), role="cli")
                services = await stack.enter_async_context(opening)
            return await work(services)

    try:
        return asyncio.run(run())
    except DomainError as e:
        complaints.print(f"[red]{e.code}[/red]: {e.detail}")
    except MovedError:
        complaints.print(
            "[red]read models are being moved[/red] by somebody else: try again in a minute"
        )
    except TimeoutError:
        complaints.print(
            f"[red]a server does not answer[/red] in {OPEN_SECONDS:.0f} s: look at NATS_URL and MONGODB_URL"
        )
    except (PyMongoError, NatsError, OSError) as e:
        complaints.print(f"[red]a server does not answer[/red]: {type(e).__name__}: {e}")
    raise typer.Exit(2)


def bar() -> Progress:
    """A progress bar of events."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=complaints,
    )

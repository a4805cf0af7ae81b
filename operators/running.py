"""How a command of the command line runs: services opened, errors told in a sentence, an exit code."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer
from nats.errors import Error as NatsError
from pymongo.errors import PyMongoError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bootstrap import open_services
from dependencies import Services
from domain.errors import DomainError
from settings import load_settings

T = TypeVar("T")

console = Console(highlight=False)
complaints = Console(stderr=True, highlight=False)


def with_services(work: Callable[[Services], Awaitable[T]]) -> T:
    """Run `work` with everything connected. Exit code 2 when a server or the request is at fault."""

    async def run() -> T:
        async with open_services(load_settings(), role="cli") as services:
            return await work(services)

    try:
        return asyncio.run(run())
    except DomainError as e:
        complaints.print(f"[red]{e.code}[/red]: {e.detail}")
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

"""Imaging is asked, in its own processes, for what `imaging.pipeline` does: typed as its functions are."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import structlog

from dependencies.services import Services
from domain.errors import ImagingFailed

log = structlog.get_logger(__name__)

P = ParamSpec("P")
R = TypeVar("R")


async def ask(
    services: Services, function: Callable[P, R], *arguments: P.args, **options: P.kwargs
) -> R:
    """What `domain.ports.imaging.ImageWorker.run` answers, and raises. The function itself is not called
    here: only its name goes to the process.
    """
    return cast("R", await services.images.run(function.__name__, *arguments, **options))


async def ask_again(
    services: Services, function: Callable[P, R], *arguments: P.args, **options: P.kwargs
) -> R:
    """Once more when the process dies: something else may have ended the first."""
    try:
        return await ask(services, function, *arguments, **options)
    except ImagingFailed as failed:
        log.warning("imaging failed", function=function.__name__, reason=failed.detail)
        return await ask(services, function, *arguments, **options)

"""How an answer for anybody is made again: the endpoint's last step, with its parameters read already."""

from collections.abc import Awaitable, Callable

from fastapi import Response
from starlette.types import Scope

Recipe = Callable[[], Awaitable[Response]]
"""Holds nothing of the request or its caller. Raises what the endpoint raises."""

MEMBER = "kundan.recipe"


def leave_recipe(scope: Scope, recipe: Recipe) -> None:
    """For the shop window, which surrounds the endpoint."""
    scope[MEMBER] = recipe


def recipe_of(scope: Scope) -> Recipe | None:
    """What the endpoint has left."""
    recipe: Recipe | None = scope.get(MEMBER)
    return recipe

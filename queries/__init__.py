"""Documents in, responses out. `ROUTERS` is all that can be read; `VIEWS` says how documents are shown."""

from fastapi import APIRouter

from dependencies import View

ROUTERS: tuple[APIRouter, ...] = ()

VIEWS: dict[str, View] = {}
"""How the documents of a collection are shown; others are shown by `dependencies.present`."""

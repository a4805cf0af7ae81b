"""Intent in, events out. `ROUTERS` is all that can be asked to change."""

from fastapi import APIRouter

ROUTERS: tuple[APIRouter, ...] = ()

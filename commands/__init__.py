"""Intent in, events out. `ROUTERS` is all that can be asked to change."""

from fastapi import APIRouter

from commands import (
    accounts,
    catalogue,
    consents,
    images,
    imports,
    orders,
    overlays,
    payments,
    refunds,
    sessions,
    stock,
    tryon,
    webhooks,
)

ROUTERS: tuple[APIRouter, ...] = (
    accounts.router,
    accounts.admin_router,
    sessions.router,
    imports.router,
    catalogue.router,
    overlays.router,
    stock.router,
    orders.router,
    payments.router,
    refunds.router,
    webhooks.router,
    consents.router,
    images.router,
    tryon.router,
)

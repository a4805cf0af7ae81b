"""Intent in, events out. `ROUTERS` is all that can be asked to change."""

from fastapi import APIRouter

from commands.routes import (
    accounts,
    catalogue,
    consents,
    direct_uploads,
    images,
    imports,
    orders,
    overlays,
    payments,
    refunds,
    sessions,
    stock,
    tryon,
    uploads,
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
    uploads.router,
    direct_uploads.router,
    direct_uploads.media_router,
    tryon.router,
)

"""Documents in, responses out. `ROUTERS` is all that can be read; `VIEWS` says how documents are shown."""

from fastapi import APIRouter

from dependencies.services import View
from queries import (
    accounts,
    audit,
    catalogue,
    consents,
    images,
    imports,
    media,
    orders,
    overlays,
    payments,
    sharing,
    tryon,
)

ROUTERS: tuple[APIRouter, ...] = (
    accounts.router,
    accounts.admin_router,
    imports.router,
    overlays.router,  # before a product may be called so
    catalogue.router,
    orders.router,
    payments.router,
    audit.router,
    consents.router,
    images.router,
    tryon.router,
    sharing.router,
    media.router,
)

VIEWS: dict[str, View] = {
    accounts.USERS: accounts.user_view,
    "products": catalogue.staff_product_view,
    "orders": orders.order_view,
    "payments": payments.payment_view,
    "uploadedImages": images.image_view,
    "importLogs": imports.import_view,
    "tryOnResults": tryon.result_view,
}
"""How the documents of a collection are shown; others are shown by `dependencies.answers.present`."""

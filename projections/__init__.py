"""Events in, documents out. To know which read models there are, read this tuple."""

from projections import refunds, stock
from projections.accounts import SESSIONS, USERS
from projections.catalogue import PRODUCTS
from projections.consents import CONSENTS
from projections.images import IMAGES
from projections.imports import IMPORTS
from projections.orders import ORDER_DEADLINES, ORDERS
from projections.payments import OPEN_PAYMENTS, PAYMENTS
from projections.projection import Projection
from projections.tryon import RESULTS

PROJECTIONS: tuple[Projection, ...] = (
    USERS,
    SESSIONS,
    PRODUCTS,
    ORDERS,
    ORDER_DEADLINES,
    PAYMENTS,
    OPEN_PAYMENTS,
    refunds.OPEN_REFUNDS,
    IMAGES,
    CONSENTS,
    RESULTS,
    IMPORTS,
)

FOLDED_ELSEWHERE = (stock, refunds)
"""Modules whose folds belong to another's collection: stock is shown on products, refunds on payments."""

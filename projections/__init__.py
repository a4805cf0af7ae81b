"""Events in, documents out. To know which read models there are, read this tuple."""

from projections import stock
from projections.accounts import SESSIONS, USERS
from projections.catalogue import PRODUCTS
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
    IMAGES,
    RESULTS,
    IMPORTS,
)

FOLDED_ELSEWHERE = (stock,)
"""Modules whose folds belong to another module's collection: stock is shown on products."""

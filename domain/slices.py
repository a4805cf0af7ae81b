"""All slices, so that every event is in the registry before history is read.

A process that decodes events imports this module; `bootstrap.py` does it for all of ours.
"""

from domain import (
    accounts,
    catalogue,
    claims,
    images,
    imports,
    orders,
    payments,
    sessions,
    stock,
    tryon,
)

SLICES = (accounts, catalogue, claims, images, imports, orders, payments, sessions, stock, tryon)

"""A customer's payments, and all of them for finance; and how one can pay."""

from typing import Any, Literal

from fastapi import Response

from dependencies.answers import answer, etag, present
from dependencies.caller import CurrentUser
from dependencies.documents import Document, object_id_or_404
from dependencies.limits import limited
from dependencies.lists import Page
from dependencies.reading import Reading
from dependencies.routers import PrefixRouter
from dependencies.services import Services
from domain.errors import NotFound
from domain.payment_states import PaymentStatus
from domain.values import Role
from projections.payments import PaymentDocument, RefundDocument
from projections.stored import shape
from queries.orders import NEWEST, own

router = PrefixRouter(prefix="/api/payments", tags=["payments"], dependencies=[limited("read")])

PAYMENT_STAFF = (Role.FINANCE, Role.ORDER_MANAGER, Role.SUPPORT)
METHODS = ("card", "upi", "netbanking", "wallet")


@shape
class PaymentShown(PaymentDocument):
    refunds: list[RefundDocument]
    """In the order in which they were asked for."""


def payment_view(document: Document, _: Services) -> dict[str, Any]:
    """Its refunds as a list, in the order in which they were asked for."""
    refunds = document.get("_refunds", {}).values()
    listed = sorted(refunds, key=lambda refund: refund["requestedAt"])
    return present({**document, "refunds": listed})


@router.get("/methods")
async def get_methods(_: CurrentUser, services: Reading) -> Response:
    """None are stored; `meta.available` are those that the gateway's checkout offers."""
    return answer([], meta={"gateway": services.gateway.name, "available": list(METHODS)})


@router.get("/history")
async def get_history(
    user: CurrentUser,
    services: Reading,
    page: Page,
    status: PaymentStatus | None = None,
    refund: Literal["none", "pending", "partial", "full", "failed"] | None = None,
) -> Response:
    """The newest first. `refund=pending` are those whose money is to go back."""
    exact = {"status": status and status.value, "refundStatus": refund}
    query: dict[str, Any] = {name: value for name, value in exact.items() if value is not None}
    query |= own(user, *PAYMENT_STAFF)
    payments = services.read_models["payments"]
    found = await page.find(payments, query, NEWEST)
    shown = [payment_view(document, services) for document in found.documents]
    return page.answer(shown, await page.total(payments, query), next_cursor=found.next_cursor)


@router.get("/{payment_id}")
async def get_payment(payment_id: str, user: CurrentUser, services: Reading) -> Response:
    key = {"_id": object_id_or_404(payment_id)} | own(user, *PAYMENT_STAFF)
    found = await services.read_models["payments"].find_one(key)
    if found is None:
        raise NotFound("there is no payment with this id")
    return answer(payment_view(found, services), headers=etag(found))

"""A customer's orders, and all of them for staff."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Query, Response

from dependencies.answers import answer, etag, present
from dependencies.caller import CurrentUser
from dependencies.documents import Document, object_id_or_404
from dependencies.limits import limited
from dependencies.lists import Page
from dependencies.reading import Reading
from dependencies.routers import PrefixRouter
from dependencies.services import Services
from domain.errors import NotFound
from domain.orders import OrderStatus
from domain.sessions import User
from domain.values import Role
from projections.orders import OrderDocument
from projections.stored import shape

router = PrefixRouter(prefix="/api/orders", tags=["orders"], dependencies=[limited("read")])

ORDER_STAFF = (Role.ORDER_MANAGER, Role.SUPPORT, Role.FINANCE)
NEWEST = (("createdAt", -1), ("_id", -1))
PaymentStatus = Literal["pending", "completed", "failed", "refunded"]


@shape
class OrderShown(OrderDocument):
    amountDueMinor: int


def order_view(document: Document, _: Services) -> dict[str, Any]:
    shown = present(document)
    if "totalMinor" in document:
        due = document["totalMinor"] - document["amountPaidMinor"]
        shown["amountDueMinor"] = max(due, 0)
    return shown


def own(user: User, *staff: Role) -> dict[str, Any]:
    """The part of a query that keeps a customer to what is theirs; staff see everybody's."""
    return {} if user.has(*staff) else {"userId": object_id_or_404(user.id)}


@router.get("")
async def get_orders(
    user: CurrentUser,
    services: Reading,
    page: Page,
    status: OrderStatus | None = None,
    payment_status: Annotated[PaymentStatus | None, Query(alias="paymentStatus")] = None,
    user_id: Annotated[str | None, Query(alias="userId")] = None,
    order_number: Annotated[str | None, Query(alias="orderNumber", max_length=30)] = None,
    placed_from: Annotated[datetime | None, Query(alias="from")] = None,
    placed_to: Annotated[datetime | None, Query(alias="to")] = None,
) -> Response:
    """The newest first."""
    exact = {
        "status": status and status.value,
        "paymentStatus": payment_status,
        "userId": object_id_or_404(user_id) if user_id else None,
        "orderNumber": order_number,
    }
    query: dict[str, Any] = {name: value for name, value in exact.items() if value is not None}
    times = {"$gte": placed_from, "$lte": placed_to}
    if limits := {sign: at for sign, at in times.items() if at is not None}:
        query["createdAt"] = limits
    query |= own(user, *ORDER_STAFF)
    orders = services.read_models["orders"]
    found = await page.find(orders, query, NEWEST)
    shown = [order_view(document, services) for document in found.documents]
    return page.answer(shown, await page.total(orders, query), next_cursor=found.next_cursor)


@router.get("/{order_id}")
async def get_order(order_id: str, user: CurrentUser, services: Reading) -> Response:
    key = {"_id": object_id_or_404(order_id)} | own(user, *ORDER_STAFF)
    found = await services.read_models["orders"].find_one(key)
    if found is None:
        raise NotFound("there is no order with this id")
    return answer(order_view(found, services), headers=etag(found))

"""The simulator's own endpoints: play the customer, set faults and the clock, read the truth."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response, status
from pydantic import BaseModel, ConfigDict, Field

from integrations.payments.signatures import checkout_message, sign
from integrations.payments.simulator import faults
from integrations.payments.simulator.desk import Desk, loopback_url
from integrations.payments.simulator.entities import Entity, shown
from integrations.payments.simulator.refusals import Refusal

Outcome = Literal["success", "failure", "authorized", "failed_then_captured", "late"]
UNSIGNED = frozenset({"failure", "late"})
"""The browser gets a signature only when it saw the payment go through."""

router = APIRouter(prefix="/_sim")


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


DeskOf = Annotated[Desk, Depends(_desk)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Checkout(Body):
    order_id: str
    method: Literal["card", "upi", "netbanking", "wallet"] = "card"
    outcome: Outcome = "success"
    after_seconds: int = Field(default=0, ge=0, le=10**7)
    """For `late`, on the simulator's clock."""


class NewFault(Body):
    request: str = Field(max_length=40)
    mode: faults.Mode
    times: int = Field(default=1, ge=1, le=10_000)
    after: int = Field(default=0, ge=0, le=10_000)
    seconds: float = Field(default=30.0, ge=0, le=120)
    probability: float = Field(default=1.0, ge=0, le=1)
    seed: int = 0


class Clock(Body):
    advance_seconds: int = Field(ge=0, le=10**8)


class NewSettings(Body):
    receipts: Literal["duplicates", "unique", "same"] | None = None
    refunds: Literal["processed", "pending"] | None = None
    webhook_url: str | None = None


class Settlement(Body):
    outcome: Literal["processed", "failed"]


@router.post("/checkout")
async def checkout(body: Checkout, desk: DeskOf) -> dict[str, str | None]:
    """What the checkout page would give the browser, truly signed."""
    payment = desk.books.pay(
        body.order_id,
        method=body.method,
        outcome=body.outcome,
        after_seconds=body.after_seconds,
    )
    message = checkout_message(gateway_order_id=body.order_id, gateway_payment_id=payment["id"])
    signature = None if body.outcome in UNSIGNED else sign(desk.key_secret.encode(), message)
    return {
        "razorpay_payment_id": payment["id"],
        "razorpay_order_id": body.order_id,
        "razorpay_signature": signature,
    }


@router.get("/orders")
async def open_orders(desk: DeskOf) -> list[Entity]:
    """The newest orders that wait for money, for the page."""
    newest = desk.books.find("order", {"count": "50"})
    return [shown(order) for order in newest if order["status"] != "paid"]


@router.get("/ledger")
async def ledger(desk: DeskOf) -> dict[str, Any]:
    """The money that the simulator holds, in paise, per order."""
    lines = desk.books.ledger()
    totals = {name: sum(line[name] for line in lines) for name in ("captured", "refunded")}
    return totals | {"orders": lines}


@router.get("/webhooks")
async def webhooks(desk: DeskOf) -> dict[str, Any]:
    return {"waiting": desk.sender.waiting(), "deliveries": desk.sender.listed()}


@router.post("/faults", status_code=status.HTTP_201_CREATED)
async def add_fault(body: NewFault, desk: DeskOf) -> dict[str, Any]:
    desk.faults.rules.append(faults.Fault(**body.model_dump()))
    return body.model_dump()


@router.get("/faults")
async def list_faults(desk: DeskOf) -> dict[str, Any]:
    rules = [{k: v for k, v in vars(rule).items() if k != "dice"} for rule in desk.faults.rules]
    return {"rules": rules, "seen": dict(desk.faults.seen)}


@router.delete("/faults", status_code=status.HTTP_204_NO_CONTENT)
async def clear_faults(desk: DeskOf) -> Response:
    desk.faults.rules.clear()
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.post("/clock")
async def advance_clock(body: Clock, desk: DeskOf) -> dict[str, int]:
    """Let time pass: banks give up, late payments arrive, authorisations run out."""
    desk.clock.ahead_seconds += body.advance_seconds
    desk.books.tick()
    return {"now": desk.clock.now()}


@router.post("/settings")
async def change_settings(body: NewSettings, desk: DeskOf) -> dict[str, Any]:
    rules = desk.books.rules
    rules.receipts = body.receipts or rules.receipts
    rules.refunds = body.refunds or rules.refunds
    if body.webhook_url is not None:
        if not loopback_url(body.webhook_url):
            raise Refusal("The webhook URL must be on loopback.", field="webhook_url")
        desk.sender.url = body.webhook_url
    return asdict(rules) | {"webhook_url": desk.sender.url}


@router.post("/refunds/{refund_id}")
async def settle_refund(refund_id: str, body: Settlement, desk: DeskOf) -> Entity:
    return shown(desk.books.settle_refund(refund_id, outcome=body.outcome))

"""Razorpay's orders, payments and refunds as JSON, quirks included."""

import secrets
import string
from typing import Any

Entity = dict[str, Any]

BASE62 = string.ascii_letters + string.digits
FEE_PERCENT, TAX_PERCENT = 2, 18
PRIVATE = "_sim"
"""The member with the simulator's own marks on an entity; never shown."""


def new_id(prefix: str) -> str:
    return f"{prefix}_{''.join(secrets.choice(BASE62) for _ in range(14))}"


def digits(count: int) -> str:
    return "".join(secrets.choice(string.digits) for _ in range(count))


def shown(entity: Entity) -> Entity:
    """As the API answers it: without our marks, and with the card's id only."""
    return {name: value for name, value in entity.items() if name not in {PRIVATE, "card"}}


def shown_whole(entity: Entity) -> Entity:
    """As a webhook or `expand[]=card` shows it."""
    return {name: value for name, value in entity.items() if name != PRIVATE}


def collection(items: list[Entity]) -> Entity:
    return {"entity": "collection", "count": len(items), "items": items}


def order(fields: Entity, *, now: int) -> Entity:
    return {
        "id": new_id("order"),
        "entity": "order",
        "amount": fields["amount"],
        "amount_paid": 0,
        "amount_due": fields["amount"],
        "currency": fields["currency"],
        "receipt": fields["receipt"],
        "offer_id": None,
        "status": "created",
        "attempts": 0,
        "notes": fields["notes"],
        "created_at": now,
        PRIVATE: {"capture": fields["capture"]},
    }


def payment(of: Entity, *, method: str, now: int) -> Entity:
    """A payment in state `created` for an order."""
    made: Entity = {
        "id": new_id("pay"),
        "entity": "payment",
        "amount": of["amount"],
        "currency": of["currency"],
        "status": "created",
        "order_id": of["id"],
        "invoice_id": None,
        "international": False,
        "method": method,
        "amount_refunded": 0,
        "refund_status": None,
        "captured": False,
        "description": None,
        "card_id": None,
        "bank": None,
        "wallet": None,
        "vpa": None,
        "email": "simulated.customer@example.com",
        "contact": "+919876543210",
        "notes": of["notes"],
        "fee": None,
        "tax": None,
        "error_code": None,
        "error_description": None,
        "error_source": None,
        "error_step": None,
        "error_reason": None,
        "acquirer_data": {},
        "created_at": now,
        PRIVATE: {},
    }
    return made | METHODS[method]()


def _card() -> Entity:
    card_id = new_id("card")
    return {
        "card_id": card_id,
        "card": {
            "id": card_id,
            "entity": "card",
            "name": "Simulated Customer",
            "last4": "1111",
            "network": "Visa",
            "type": "credit",
            "issuer": "HDFC",
            "international": False,
            "emi": False,
            "sub_type": "consumer",
        },
        "error_code": "",
        "error_description": "",
        "acquirer_data": {"auth_code": digits(6), "rrn": digits(12)},
    }


def _upi() -> Entity:
    vpa = "simulated.customer@bank"
    return {
        "vpa": vpa,
        "upi": {"payer_account_type": "bank_account", "vpa": vpa, "flow": "intent"},
        "acquirer_data": {"rrn": digits(12), "upi_transaction_id": new_id("upi")},
    }


def _netbanking() -> Entity:
    return {"bank": "HDFC", "acquirer_data": {"bank_transaction_id": digits(10)}}


def _wallet() -> Entity:
    return {"wallet": "payzapp", "acquirer_data": {"transaction_id": None}}


METHODS = {"card": _card, "upi": _upi, "netbanking": _netbanking, "wallet": _wallet}


def refund(of: Entity, *, amount: int, body: Entity, notes: object, now: int) -> Entity:
    speed = body.get("speed", "normal")
    return {
        "id": new_id("rfnd"),
        "entity": "refund",
        "amount": amount,
        "currency": of["currency"],
        "payment_id": of["id"],
        "notes": notes,
        "receipt": body.get("receipt"),
        "acquirer_data": {"arn": None},
        "created_at": now,
        "batch_id": None,
        "status": "pending",
        "speed_requested": speed,
        "speed_processed": "normal",
    }


def fees(amount: int) -> tuple[int, int]:
    """The fee with its tax, and the tax, in paise: 2 % and 18 % of it."""
    fee = amount * FEE_PERCENT // 100
    tax = fee * TAX_PERCENT // 100
    return fee + tax, tax

"""The gateway's books: orders, payments and refunds, and the rules between them.

An order is paid once and stays paid; a failed payment may succeed after all; what is authorised
and not captured within three days goes back to the customer.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from integrations.payments.simulator import checks, entities
from integrations.payments.simulator.entities import PRIVATE, Entity, shown_whole
from integrations.payments.simulator.refusals import Refusal, already_paid, unknown_id
from integrations.payments.simulator.storage import Storage

Emit = Callable[[str, Mapping[str, Entity]], None]
"""Told of each webhook event, with snapshots of what it is about."""

BANK_TIMEOUT_SECONDS = 600
"""A payment without an answer of the bank fails after ten minutes."""
AUTHORISATION_SECONDS = 3 * 24 * 3600


@dataclass
class Rules:
    """What differs between accounts, and may be set while the simulator runs."""

    receipts: str = "duplicates"
    """duplicates, unique (refuse a second order of a receipt), same (answer the first)."""
    refunds: str = "processed"
    """processed at once, or pending until they are settled."""


class Books:
    def __init__(self, *, storage: Storage, emit: Emit, now: Callable[[], int]) -> None:
        self.rules = Rules()
        self._storage = storage
        self._emit = emit
        self._now = now

    # --- Reading ---

    def get(self, kind: str, entity_id: str) -> Entity:
        found = self._storage.entities.get(entity_id)
        if found is None or found["entity"] != kind:
            raise unknown_id()
        return found

    def find(self, kind: str, query: Mapping[str, str], **fixed: str) -> list[Entity]:
        """A page, newest first. `fixed` members must be equal."""
        page = checks.page(query)
        wanted = fixed | ({"receipt": query["receipt"]} if "receipt" in query else {})
        found = [
            entity
            for entity in reversed(self._storage.of(kind))
            if page["from"] <= entity["created_at"] <= page["to"]
            and all(entity.get(name) == value for name, value in wanted.items())
        ]
        return found[page["skip"] : page["skip"] + page["count"]]

    def payments_of(self, order_id: str) -> list[Entity]:
        return [p for p in self._storage.of("payment") if p["order_id"] == order_id]

    def ledger(self) -> list[Entity]:
        """The truth about money, per order, in paise."""
        return [self._line(order) for order in self._storage.of("order")]

    def _line(self, order: Entity) -> Entity:
        captured = [p for p in self.payments_of(order["id"]) if p["captured"]]
        return {
            "order_id": order["id"],
            "receipt": order["receipt"],
            "status": order["status"],
            "amount": order["amount"],
            "captured": sum(p["amount"] for p in captured),
            "refunded": sum(p["amount_refunded"] for p in captured),
            "payments": [p["id"] for p in captured],
        }

    # --- Orders and payments ---

    def create_order(self, body: checks.Body) -> Entity:
        fields = checks.order(body)
        earlier = [o for o in self._storage.of("order") if o["receipt"] == fields["receipt"]]
        if earlier and fields["receipt"] and self.rules.receipts == "unique":
            raise Refusal("Order receipt should be unique.", field="receipt")
        if earlier and fields["receipt"] and self.rules.receipts == "same":
            return earlier[0]
        order = entities.order(fields, now=self._now())
        self._storage.save(order)
        return order

    def pay(self, order_id: str, *, method: str, outcome: str, after_seconds: int = 0) -> Entity:
        """Play the customer. `late`: the bank answers yes after so many seconds."""
        order = self.get("order", order_id)
        if order["status"] == "paid":
            raise already_paid()
        if any(p["status"] == "authorized" for p in self.payments_of(order_id)):
            raise Refusal("Another payment of the order is authorised.", reason="payment_pending")
        payment = entities.payment(order, method=method, now=self._now())
        order |= {"attempts": order["attempts"] + 1, "status": "attempted"}
        if outcome == "late":
            payment[PRIVATE]["late_at"] = self._now() + after_seconds
        self._storage.save(order, payment)
        if outcome in {"failure", "failed_then_captured"}:
            self._fail(payment)
        if outcome in {"success", "authorized", "failed_then_captured"}:
            self._authorise(payment, captures=outcome != "authorized")
        return payment

    def capture(self, payment_id: str, body: checks.Body) -> Entity:
        checks.only(body, checks.CAPTURE_FIELDS)
        payment = self.get("payment", payment_id)
        amount, currency = checks.amount(body), checks.currency(body)
        if payment["captured"] or self.get("order", payment["order_id"])["status"] == "paid":
            raise already_paid()
        if payment["status"] != "authorized":
            raise Refusal("Only payments which have been authorized can be captured")
        if (amount, currency) != (payment["amount"], payment["currency"]):
            raise Refusal("Capture amount must be equal to the amount authorized", field="amount")
        self._capture(payment)
        return payment

    def _fail(self, payment: Entity) -> None:
        payment |= {
            "status": "failed",
            "error_code": "BAD_REQUEST_ERROR",
            "error_description": "Payment failed",
            "error_source": "bank",
            "error_step": "payment_authorization",
            "error_reason": "payment_failed",
        }
        self._storage.save(payment)
        self._tell("payment.failed", payment=payment)

    def _authorise(self, payment: Entity, *, captures: bool) -> None:
        """Authorised, and captured when the order says so and no other payment was."""
        cleared = dict.fromkeys(name for name in payment if name.startswith("error_"))
        payment |= cleared | {"status": "authorized"}
        payment[PRIVATE] = {"authorised_at": self._now()}
        self._storage.save(payment)
        self._tell("payment.authorized", payment=payment)
        order = self.get("order", payment["order_id"])
        if captures and order["status"] != "paid" and order[PRIVATE]["capture"] == "automatic":
            self._capture(payment)

    def _capture(self, payment: Entity) -> None:
        order = self.get("order", payment["order_id"])
        fee, tax = entities.fees(payment["amount"])
        payment |= {"status": "captured", "captured": True, "fee": fee, "tax": tax}
        order |= {"status": "paid", "amount_paid": order["amount"], "amount_due": 0}
        self._storage.save(payment, order)
        self._tell("payment.captured", payment=payment)
        self._tell("order.paid", payment=payment, order=order)

    # --- Refunds ---

    def refund(self, payment_id: str, body: checks.Body, *, key: str | None) -> Entity:
        """`key`: X-Refund-Idempotency. The same key and body answer the first refund."""
        checks.only(body, checks.REFUND_FIELDS)
        payment = self.get("payment", payment_id)
        request = f"{payment_id} {json.dumps(body, sort_keys=True)}".encode()
        fingerprint = hashlib.sha256(request).hexdigest()
        if key and (earlier := self._refund_of(key, fingerprint)):
            return earlier
        if not payment["captured"]:
            raise Refusal("The payment status should be captured for action to be taken")
        amount = checks.refund_amount(
            body, captured=payment["amount"], refunded=payment["amount_refunded"]
        )
        refund = entities.refund(
            payment, amount=amount, body=dict(body), notes=checks.notes(body), now=self._now()
        )
        refund[PRIVATE] = {"key": key, "fingerprint": fingerprint}
        self._count_refund(payment, amount)
        self._storage.save(refund)
        self._tell("refund.created", refund=refund, payment=payment)
        if self.rules.refunds == "processed":
            self.settle_refund(refund["id"], outcome="processed")
        return refund

    def settle_refund(self, refund_id: str, *, outcome: str) -> Entity:
        """processed, or failed: the money then stays with the shop."""
        refund = self.get("refund", refund_id)
        if refund["status"] != "pending":
            raise Refusal("The refund is settled already")
        payment = self.get("payment", refund["payment_id"])
        refund["status"] = outcome
        if outcome == "processed":
            refund["acquirer_data"] = {"arn": entities.digits(23)}
        else:
            self._count_refund(payment, -refund["amount"])
        self._storage.save(refund)
        self._tell(f"refund.{outcome}", refund=refund, payment=payment)
        return refund

    def _refund_of(self, key: str, fingerprint: str) -> Entity | None:
        if not re.fullmatch(r"[A-Za-z0-9_-]{10,255}", key, re.ASCII):
            raise Refusal("The idempotency key must have at least 10 letters, digits, - or _.")
        for refund in self._storage.of("refund"):
            if refund[PRIVATE]["key"] == key:
                if refund[PRIVATE]["fingerprint"] != fingerprint:
                    raise Refusal(
                        "Different request with the same idempotency key has already been processed",
                        status=409,
                    )
                return refund
        return None

    def _count_refund(self, payment: Entity, amount: int) -> None:
        total = payment["amount_refunded"] + amount
        whole = total == payment["amount"]
        payment["amount_refunded"] = total
        payment["refund_status"] = "full" if whole else "partial" if total else None
        payment["status"] = "refunded" if whole else "captured"
        self._storage.save(payment)

    # --- Time ---

    def tick(self) -> None:
        """Do what the passing of time does. Repeating it changes nothing."""
        for payment in self._storage.of("payment"):
            since = payment[PRIVATE].get("authorised_at", payment["created_at"])
            age = self._now() - since
            late_at = payment[PRIVATE].get("late_at")
            if late_at is not None and self._now() >= late_at:
                self._authorise(payment, captures=True)
            elif payment["status"] == "created" and age >= BANK_TIMEOUT_SECONDS:
                self._fail(payment)
            elif payment["status"] == "authorized" and age >= AUTHORISATION_SECONDS:
                self._give_back(payment)

    def _give_back(self, payment: Entity) -> None:
        payment |= {
            "status": "refunded",
            "amount_refunded": payment["amount"],
            "refund_status": "full",
        }
        self._storage.save(payment)

    def _tell(self, event: str, **about: Entity) -> None:
        self._emit(event, {name: shown_whole(entity) for name, entity in about.items()})

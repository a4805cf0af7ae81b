"""Payments: asked for, created at the gateway, attempted, confirmed; or failed, or closed.

Read in this order: `payment_events.py` and `refund_events.py` (what happened), `payment_states.py` (values
and sums), this aggregate (its state, then what is decided about money that comes), `refunds.py` (what is
decided about money that goes back).

The browser's confirmation, the gateway's webhook and our own reconciliation all end in `observe`,
which keeps a fact once: the gateway's payment id, its state and its amount. States only rise:
created, failed, authorized, captured, refunded. A failed payment may still be captured.
"""

from dataclasses import replace
from typing import ClassVar, Self

from domain.errors import RuleViolation
from domain.kernel import AggregateRoot, applies
from domain.payment_events import (
    ExtraPaymentCaptured,
    GatewayCallRejected,
    GatewayOrderCreated,
    GatewayOutcomeUnknown,
    PaymentAmountMismatched,
    PaymentAttemptFailed,
    PaymentAuthorized,
    PaymentClosed,
    PaymentConfirmed,
    PaymentIntentRequested,
    PaymentRefundNeeded,
    PaymentRefundObserved,
    RefundReason,
    Source,
)
from domain.payment_states import (
    RANK,
    Attempt,
    PaymentStatus,
    Refund,
    RefundStatus,
    Seen,
    on_the_way,
    owed_of,
)
from domain.ports.gateway import GatewayPayment, GatewayState
from domain.refund_events import (
    RefundExplained,
    RefundFailed,
    RefundMadeAtGateway,
    RefundOutcomeUnknown,
    RefundProcessed,
    RefundRequested,
    RefundSent,
)
from domain.values import Money, OrderId, PaymentId, UserId


class Payment(AggregateRoot):
    TOPIC: ClassVar[str] = "Payment"
    CATEGORY: ClassVar[str] = "payment"

    @classmethod
    def request(
        cls,
        payment_id: PaymentId,
        *,
        order_id: OrderId,
        customer_id: UserId,
        amount: Money,
        gateway: str,
    ) -> Self:
        return cls.start(
            payment_id,
            PaymentIntentRequested,
            order_id=order_id,
            customer_id=customer_id,
            amount=amount,
            gateway=gateway,
        )

    # --- State ----------------------------------------------------------------------------------

    @applies(PaymentIntentRequested)
    def _requested(self, event: PaymentIntentRequested) -> None:
        self.order_id: OrderId = event.order_id
        self.customer_id: UserId = event.customer_id
        self.amount: Money = event.amount
        self.gateway: str = event.gateway
        self.gateway_order_id: str | None = None
        self.status: PaymentStatus = PaymentStatus.PENDING
        self.rejected: bool = False
        self.closed: bool = False
        self.confirmed: Money | None = None
        self.confirmed_by: str | None = None
        self.attempts: dict[str, Attempt] = {}
        self.refunds: dict[str, Refund] = {}

    @applies(GatewayOrderCreated)
    def _created(self, event: GatewayOrderCreated) -> None:
        self.gateway_order_id = event.gateway_order_id
        self.status = PaymentStatus.PENDING

    @applies(GatewayCallRejected)
    def _rejected(self, _: GatewayCallRejected) -> None:
        self.rejected = True
        self.status = PaymentStatus.FAILED

    @applies(GatewayOutcomeUnknown)
    def _unknown(self, _: GatewayOutcomeUnknown) -> None:
        self.status = PaymentStatus.PROCESSING

    @applies(PaymentAttemptFailed)
    def _failed(self, event: PaymentAttemptFailed) -> None:
        self.status = PaymentStatus.FAILED
        self._reach(event.gateway_payment_id, GatewayState.FAILED)

    @applies(PaymentAuthorized)
    def _authorized(self, event: PaymentAuthorized) -> None:
        self.status = PaymentStatus.PROCESSING
        self._reach(event.gateway_payment_id, GatewayState.AUTHORIZED)

    @applies(PaymentConfirmed)
    def _confirmed(self, event: PaymentConfirmed) -> None:
        self.status = PaymentStatus.COMPLETED
        self.confirmed = event.amount
        self.confirmed_by = event.gateway_payment_id
        self._reach(event.gateway_payment_id, GatewayState.CAPTURED, event.amount)

    @applies(ExtraPaymentCaptured)
    def _extra(self, event: ExtraPaymentCaptured) -> None:
        self._reach(event.gateway_payment_id, GatewayState.CAPTURED, event.amount)

    @applies(PaymentAmountMismatched)
    def _mismatch(self, event: PaymentAmountMismatched) -> None:
        self.status = PaymentStatus.PROCESSING
        state = GatewayState(event.state)
        captured = event.seen if state is GatewayState.CAPTURED else None
        self._reach(event.gateway_payment_id, state, captured)

    @applies(PaymentRefundObserved)
    def _refunded(self, event: PaymentRefundObserved) -> None:
        self._reach(event.gateway_payment_id, GatewayState.REFUNDED, event.amount)

    @applies(PaymentClosed)
    def _closed(self, _: PaymentClosed) -> None:
        self.closed = True
        self.status = PaymentStatus.CANCELLED

    @applies(PaymentRefundNeeded)
    def _needed(self, event: PaymentRefundNeeded) -> None:
        attempt = self.attempts[event.gateway_payment_id]
        self._flag(event.gateway_payment_id, attempt.to_refund + event.amount.amount)

    @applies(RefundRequested)
    def _requested_refund(self, event: RefundRequested) -> None:
        self.refunds[event.refund_id] = Refund(
            gateway_payment_id=event.gateway_payment_id, amount=event.amount
        )

    @applies(RefundExplained)
    def _explained(self, event: RefundExplained) -> None:
        refund = self.refunds[event.refund_id]
        self.refunds[event.refund_id] = replace(refund, explained=True)

    @applies(RefundMadeAtGateway)
    def _made_at_gateway(self, event: RefundMadeAtGateway) -> None:
        """What went back at the gateway's own desk counts for what we had flagged."""
        self.refunds[event.refund_id] = Refund(
            gateway_payment_id=event.gateway_payment_id, amount=event.amount
        )
        attempt = self.attempts[event.gateway_payment_id]
        gone = on_the_way(self.refunds.values(), event.gateway_payment_id)
        self._flag(event.gateway_payment_id, max(attempt.to_refund, min(gone, attempt.captured)))

    @applies(RefundOutcomeUnknown)
    def _unknown_refund(self, event: RefundOutcomeUnknown) -> None:
        self._refund_becomes(event.refund_id, RefundStatus.UNKNOWN)

    @applies(RefundSent)
    def _sent(self, event: RefundSent) -> None:
        self._refund_becomes(event.refund_id, RefundStatus.SENT, event.gateway_refund_id)

    @applies(RefundProcessed)
    def _went_back(self, event: RefundProcessed) -> None:
        self._refund_becomes(event.refund_id, RefundStatus.PROCESSED, event.gateway_refund_id)

    @applies(RefundFailed)
    def _refund_failed(self, event: RefundFailed) -> None:
        self._refund_becomes(event.refund_id, RefundStatus.FAILED, event.gateway_refund_id)

    def _reach(
        self, gateway_payment_id: str, state: GatewayState, captured: Money | None = None
    ) -> None:
        before = self.attempts.get(gateway_payment_id, Attempt())
        after = replace(before, rank=RANK[state])
        if captured is not None:
            after = replace(after, captured=captured.amount, currency=captured.currency)
        self.attempts[gateway_payment_id] = after

    def _flag(self, gateway_payment_id: str, to_refund: int) -> None:
        attempt = self.attempts[gateway_payment_id]
        self.attempts[gateway_payment_id] = replace(attempt, to_refund=to_refund)

    def _refund_becomes(
        self, refund_id: str, status: RefundStatus, gateway_refund_id: str | None = None
    ) -> None:
        before = self.refunds[refund_id]
        known = gateway_refund_id or before.gateway_refund_id
        self.refunds[refund_id] = replace(before, status=status, gateway_refund_id=known)

    # --- What it comes to -------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Money may still come by this payment, and somebody waits for it."""
        return not (self.rejected or self.closed or self.confirmed)

    @property
    def holds_its_money(self) -> bool:
        """What confirmed it is still here, and not flagged to go back."""
        if self.confirmed_by is None:
            return False
        attempt = self.attempts[self.confirmed_by]
        kept = attempt.captured - attempt.to_refund
        return attempt.rank == RANK[GatewayState.CAPTURED] and kept >= self.amount.amount

    def owed(self, gateway_payment_id: str) -> int:
        """Paise that are to go back and are not on their way."""
        return owed_of(self.attempts, self.refunds, gateway_payment_id)

    def left(self, gateway_payment_id: str) -> int:
        """Paise that may still be given back: captured, less all refunds that have not failed."""
        if self.rank_of(gateway_payment_id) != RANK[GatewayState.CAPTURED]:
            return 0
        captured = self.attempts[gateway_payment_id].captured
        return captured - on_the_way(self.refunds.values(), gateway_payment_id)

    def rank_of(self, gateway_payment_id: str) -> int:
        attempt = self.attempts.get(gateway_payment_id)
        return 0 if attempt is None else attempt.rank

    # --- Decisions --------------------------------------------------------------------------------

    def created_at_gateway(self, gateway_order_id: str) -> None:
        """The first gateway order collects; another that a race made stays unused."""
        if self.gateway_order_id is not None:
            return
        self.record(GatewayOrderCreated, gateway_order_id=gateway_order_id)
        if self.closed:
            self.record(PaymentClosed)

    def rejected_by_gateway(self, *, code: str, reason: str) -> None:
        if self._awaits_gateway:
            self.record(GatewayCallRejected, code=code, reason=reason)

    def left_unknown_by_gateway(self, *, reason: str) -> None:
        if self._awaits_gateway and self.status is not PaymentStatus.PROCESSING:
            self.record(GatewayOutcomeUnknown, reason=reason)

    @property
    def _awaits_gateway(self) -> bool:
        return self.gateway_order_id is None and self.is_open

    def observe(self, seen: GatewayPayment, *, source: Source) -> None:
        """Take in what the gateway says of one payment. Known and lower states change nothing.

        Raise RuleViolation `foreign-payment` when it belongs to another gateway order.
        """
        if seen.gateway_order_id != self.gateway_order_id:
            raise RuleViolation("this payment is for another order", code="foreign-payment")
        if RANK[seen.state] <= self.rank_of(seen.gateway_payment_id):
            return
        self._take_in(seen, self._seen(seen, source))

    def _take_in(self, seen: GatewayPayment, fact: Seen) -> None:
        match seen.state:
            case GatewayState.CREATED:
                return  # the lowest state: never news
            case GatewayState.REFUNDED:
                self._refunded_by_gateway(seen, fact)
            case GatewayState.CAPTURED if self.confirmed:
                self._captured_again(_amount_of(seen), fact)
            case GatewayState.FAILED | GatewayState.AUTHORIZED if self.confirmed:
                return  # nothing but money is news after that
            case GatewayState.FAILED:
                self._attempt_failed(seen, fact)
            case GatewayState.AUTHORIZED | GatewayState.CAPTURED if self._falls_short(seen):
                self._mismatched(seen, fact)
            case GatewayState.AUTHORIZED:
                self.record(PaymentAuthorized, **fact)
            case GatewayState.CAPTURED:
                self._captured(_amount_of(seen), fact)

    def close(self) -> None:
        if self.is_open:
            self.record(PaymentClosed)

    def _falls_short(self, seen: GatewayPayment) -> bool:
        return seen.currency != self.amount.currency or seen.amount_minor < self.amount.amount

    def _attempt_failed(self, seen: GatewayPayment, fact: Seen) -> None:
        """A failure is news only while somebody waits and no other attempt came further."""
        if self.status in {PaymentStatus.PENDING, PaymentStatus.FAILED}:
            self.record(
                PaymentAttemptFailed,
                **fact,
                error_code=seen.error_code,
                error_description=seen.error_description,
            )

    def _captured(self, amount: Money, fact: Seen) -> None:
        """The first captured payment confirms. What is over goes back."""
        self.record(PaymentConfirmed, **fact, customer_id=self.customer_id, amount=amount)
        excess = amount.amount - self.amount.amount
        self.need_refund(fact["gateway_payment_id"], excess, RefundReason.TOO_MUCH)

    def _captured_again(self, amount: Money, fact: Seen) -> None:
        self.record(ExtraPaymentCaptured, **fact, amount=amount)
        self.need_refund(fact["gateway_payment_id"], amount.amount, RefundReason.ALREADY_PAID)

    def _refunded_by_gateway(self, seen: GatewayPayment, fact: Seen) -> None:
        """News only when no refund that we know of explains it."""
        captured = self.attempts.get(seen.gateway_payment_id, Attempt()).captured
        if captured and on_the_way(self.refunds.values(), seen.gateway_payment_id) >= captured:
            return
        self.record(
            PaymentRefundObserved,
            **fact,
            amount=_amount_of(seen),
            confirming=seen.gateway_payment_id == self.confirmed_by,
        )

    def _mismatched(self, seen: GatewayPayment, fact: Seen) -> None:
        self.record(
            PaymentAmountMismatched,
            **fact,
            expected=self.amount,
            seen=_amount_of(seen),
            state=seen.state.value,
        )
        if seen.state is GatewayState.CAPTURED:
            self.need_refund(
                seen.gateway_payment_id,
                seen.amount_minor,
                RefundReason.WRONG_AMOUNT,
            )

    def _seen(self, seen: GatewayPayment, source: Source) -> Seen:
        return {
            "order_id": self.order_id,
            "gateway_payment_id": seen.gateway_payment_id,
            "source": source,
            "method": seen.method,
            "details": dict(seen.details),
        }

    def refund_all(self, reason: RefundReason) -> None:
        """Flag all captured money that is neither flagged nor given back yet."""
        for gateway_payment_id, attempt in self.attempts.items():
            if attempt.rank == RANK[GatewayState.CAPTURED]:
                left = attempt.captured - attempt.to_refund
                self.need_refund(gateway_payment_id, left, reason)

    def need_refund(self, gateway_payment_id: str, amount: int, reason: RefundReason) -> None:
        """Flag so many paise of a captured gateway payment; nothing for none."""
        if amount > 0:
            currency = self.attempts[gateway_payment_id].currency
            self.record(
                PaymentRefundNeeded,
                order_id=self.order_id,
                gateway_payment_id=gateway_payment_id,
                amount=Money(amount=amount, currency=currency),
                reason=reason,
            )


def _amount_of(seen: GatewayPayment) -> Money:
    return Money(amount=seen.amount_minor, currency=seen.currency)

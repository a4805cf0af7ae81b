"""What a payment remembers of the money that it took and gave back: all that its refunds decide by."""

from dataclasses import replace

from domain.kernel import AggregateRoot, applies
from domain.payment_events import PaymentRefundNeeded
from domain.payment_states import RANK, Attempt, Refund, RefundStatus, on_the_way, owed_of
from domain.ports.gateway import GatewayState
from domain.refund_events import (
    RefundExplained,
    RefundFailed,
    RefundMadeAtGateway,
    RefundOutcomeUnknown,
    RefundProcessed,
    RefundRequested,
    RefundSent,
)
from domain.values import OrderId, UserId


class PaymentWithRefunds(AggregateRoot):
    """State only; `domain.refunds` decides."""

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

    def begin(self, *, order_id: OrderId, customer_id: UserId) -> None:
        """The state that refunds read, of a payment that nobody has tried to pay yet."""
        self.order_id: OrderId = order_id
        self.customer_id: UserId = customer_id
        self.confirmed_by: str | None = None
        self.attempts: dict[str, Attempt] = {}
        self.refunds: dict[str, Refund] = {}

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

    def _flag(self, gateway_payment_id: str, to_refund: int) -> None:
        attempt = self.attempts[gateway_payment_id]
        self.attempts[gateway_payment_id] = replace(attempt, to_refund=to_refund)

    def _refund_becomes(
        self, refund_id: str, status: RefundStatus, gateway_refund_id: str | None = None
    ) -> None:
        before = self.refunds[refund_id]
        known = gateway_refund_id or before.gateway_refund_id
        self.refunds[refund_id] = replace(before, status=status, gateway_refund_id=known)

"""The part of a payment that gives money back: flagged, requested, sent, processed; or failed.

What is to go back is flagged first (`PaymentRefundNeeded`), then requested with an id of its own, and only
then sent. Refunds that have not failed never come to more than was captured, those on their way included.
"""

from dataclasses import replace

from domain.errors import RuleViolation
from domain.payment_events import PaymentRefundNeeded, RefundReason, Source
from domain.payment_states import (
    MAX_REFUNDS,
    RANK,
    SETTLED,
    UNANSWERED,
    Refund,
    RefundFactFields,
    RefundStatus,
    on_the_way,
    standing_of,
)
from domain.ports.gateway import GatewayRefund, GatewayRefundState, GatewayState
from domain.refund_events import (
    RefundExplained,
    RefundFailed,
    RefundMadeAtGateway,
    RefundOutcomeUnknown,
    RefundProcessed,
    RefundRequested,
    RefundSent,
)
from domain.refund_state import PaymentWithRefunds
from domain.values import Money


class RefundablePayment(PaymentWithRefunds):
    """`domain.payments.Payment` is the whole of it."""

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

    def request_owed(
        self, refund_id: str, *, gateway_payment_id: str, reason: RefundReason
    ) -> None:
        """Request what is flagged and not yet on its way. Nothing when no money is owed."""
        if refund_id not in self.refunds and self.owed(gateway_payment_id) > 0:
            self._request(refund_id, gateway_payment_id, self.owed(gateway_payment_id), reason)

    def refund(
        self, refund_id: str, *, amount: int | None, gateway_payment_id: str | None = None
    ) -> None:
        """Request so many paise, or all that is left, because somebody of the shop says so.

        Without a gateway payment it is the one whose money is owed, else the one that confirmed. Raise
        RuleViolation when nothing is left, or less than is asked for.
        """
        if refund_id in self.refunds:
            return
        chosen = self._to_refund_of(gateway_payment_id)
        left = self.left(chosen)
        wanted = left if amount is None else amount
        if left <= 0:
            raise RuleViolation("no money is left to give back", code="nothing-to-refund")
        if wanted > left:
            raise RuleViolation(
                f"{left} paise are left to give back",
                code="refund-exceeds-payment",
                refundableMinor=left,
            )
        if len(self.refunds) >= MAX_REFUNDS:
            raise RuleViolation(
                f"a payment has at most {MAX_REFUNDS} refunds", code="too-many-refunds"
            )
        self.need_refund(chosen, wanted - self.owed(chosen), RefundReason.STAFF)
        self._request(refund_id, chosen, wanted, RefundReason.STAFF)

    def explain_refund(self, refund_id: str, *, note: str) -> None:
        """Once; `note` is personal."""
        if not self.refunds[refund_id].explained:
            self.record(
                RefundExplained, customer_id=self.customer_id, refund_id=refund_id, note=note
            )

    def refund_outcome_unknown(self, refund_id: str, *, reason: str) -> None:
        refund = self.refunds[refund_id]
        if refund.status is RefundStatus.REQUESTED:
            self.record(RefundOutcomeUnknown, **self._fact(refund_id, refund), reason=reason)

    def refund_refused(self, refund_id: str, *, reason: str) -> None:
        """The gateway refused for certain: nothing was sent."""
        refund = self.refunds[refund_id]
        if refund.status in UNANSWERED:
            self._refund_fails(refund_id, refund, None, reason)

    def observe_refund(self, seen: GatewayRefund, *, source: Source) -> None:
        """Take in what the gateway says of one refund. Of money that we never saw, it is no news."""
        refund_id = self._known(seen)
        if refund_id not in self.refunds:
            if self.rank_of(seen.gateway_payment_id) != RANK[GatewayState.CAPTURED]:
                return
            money = Money(amount=seen.amount_minor, currency=seen.currency)
            made = Refund(gateway_payment_id=seen.gateway_payment_id, amount=money)
            self.record(RefundMadeAtGateway, **self._fact(refund_id, made), source=source)
        refund = self.refunds[refund_id]
        gateway_refund_id = seen.gateway_refund_id
        if refund.status in UNANSWERED:
            self.record(
                RefundSent,
                **self._fact(refund_id, refund),
                gateway_refund_id=gateway_refund_id,
                source=source,
            )
        if refund.status in SETTLED:
            return
        match seen.state:
            case GatewayRefundState.PENDING:
                return
            case GatewayRefundState.PROCESSED:
                self._processed(refund_id, refund, gateway_refund_id, source)
            case GatewayRefundState.FAILED:
                self._refund_fails(
                    refund_id, refund, gateway_refund_id, "the gateway could not deliver it"
                )

    def _to_refund_of(self, gateway_payment_id: str | None) -> str:
        if gateway_payment_id is not None:
            return gateway_payment_id
        owing = [name for name in self.attempts if self.owed(name) and self.left(name) > 0]
        return next(iter(owing), self.confirmed_by or "")

    def _known(self, seen: GatewayRefund) -> str:
        """Our id of it, by the key that we asked with or by the gateway's id; else the gateway's id."""
        if seen.key in self.refunds:
            return seen.key
        for refund_id, refund in self.refunds.items():
            if refund.gateway_refund_id == seen.gateway_refund_id:
                return refund_id
        return seen.gateway_refund_id

    def _request(
        self, refund_id: str, gateway_payment_id: str, amount: int, reason: RefundReason
    ) -> None:
        currency = self.attempts[gateway_payment_id].currency
        money = Money(amount=amount, currency=currency)
        asked = Refund(gateway_payment_id=gateway_payment_id, amount=money)
        self.record(RefundRequested, **self._fact(refund_id, asked), reason=reason)

    def _processed(
        self, refund_id: str, refund: Refund, gateway_refund_id: str, source: Source
    ) -> None:
        after = self._after(refund_id, refund, RefundStatus.PROCESSED)
        back = {r: one for r, one in after.items() if one.status is RefundStatus.PROCESSED}
        currency = refund.amount.currency
        same = sum(r.amount.amount for r in back.values() if r.amount.currency == currency)
        confirming = self.confirmed_by
        self.record(
            RefundProcessed,
            **self._fact(refund_id, refund),
            gateway_refund_id=gateway_refund_id,
            source=source,
            refunded=Money(amount=same, currency=currency),
            standing=standing_of(self.attempts, after),
            whole=confirming is not None
            and on_the_way(back.values(), confirming) >= self.attempts[confirming].captured,
        )

    def _refund_fails(
        self, refund_id: str, refund: Refund, gateway_refund_id: str | None, reason: str
    ) -> None:
        after = self._after(refund_id, refund, RefundStatus.FAILED)
        self.record(
            RefundFailed,
            **self._fact(refund_id, refund),
            gateway_refund_id=gateway_refund_id,
            reason=reason,
            standing=standing_of(self.attempts, after),
        )

    def _after(self, refund_id: str, refund: Refund, status: RefundStatus) -> dict[str, Refund]:
        return self.refunds | {refund_id: replace(refund, status=status)}

    def _fact(self, refund_id: str, refund: Refund) -> RefundFactFields:
        return {
            "order_id": self.order_id,
            "customer_id": self.customer_id,
            "refund_id": refund_id,
            "gateway_payment_id": refund.gateway_payment_id,
            "amount": refund.amount,
        }

"""How Razorpay says no: one error object, with the sentences of its documentation."""

from typing import Any


class Refusal(Exception):  # it is the gateway's answer, not an error of ours
    """A request that was understood and turned down; nothing was done."""

    def __init__(
        self,
        description: str,
        *,
        field: str | None = None,
        reason: str = "input_validation_failed",
        status: int = 400,
    ) -> None:
        super().__init__(description)
        self.status = status
        self.error: dict[str, Any] = {
            "code": "BAD_REQUEST_ERROR",
            "description": description,
            "source": "business",
            "step": "payment_initiation",
            "reason": reason,
            "metadata": {},
        }
        if field:
            self.error["field"] = field


def unknown_id() -> Refusal:
    return Refusal("The id provided does not exist")


def already_paid() -> Refusal:
    return Refusal(
        "Your payment has been declined as the order is already paid. "
        "Please initiate the payment with a new order.",
        reason="order_already_paid",
    )

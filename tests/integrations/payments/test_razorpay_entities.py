"""What of a payment may be kept, and what never leaves the adapter."""

import json
from typing import Any

import pytest

from domain.errors import Unavailable
from integrations.payments.razorpay_entities import order_from, payment_from

PERSONAL = {
    "email": "gaurav@example.com",
    "contact": "+919876543210",
    "vpa": "gaurav@upi",
    "customer_id": "cust_K6fNE0WJZWGqtN",
    "token_id": "token_KOdY",
    "description": "ring for Meera, 9876543210",
    "notes": {"phone": "9876543210"},
    "card": {
        "id": "card_DESp9fNnu0RoNc", "name": "Gaurav Kumar", "last4": "0153", "iin": "411111",
        "network": "Visa", "issuer": "HDFC", "number": "4111111111111111",
    },
    "upi": {"vpa": "gaurav@upi", "flow": "intent", "payer_account_type": "bank_account"},
    "acquirer_data": {"rrn": "322206890934", "auth_code": "828553", "vpa": "gaurav@upi"},
    "bank_account": {"account_number": "123456789012", "ifsc": "HDFC0000001"},
}  # fmt: skip

PAYMENT: dict[str, Any] = {
    "id": "pay_29QQoUBi66xm2f",
    "entity": "payment",
    "order_id": "order_DESoU0U4ikYA19",
    "amount": 5000,
    "currency": "INR",
    "status": "captured",
    "method": "card",
    "fee": 118,
    "tax": 18,
    "amount_refunded": 0,
    "captured": True,
    "error_code": "",
    "error_description": None,
}


def test_only_the_allowed_residue_is_kept() -> None:
    payment = payment_from(PAYMENT | PERSONAL)
    assert payment.details == {
        "amount_refunded": 0,
        "captured": True,
        "fee": 118,
        "tax": 18,
        "card": {"last4": "0153", "network": "Visa", "issuer": "HDFC"},
        "upi": {"flow": "intent", "payer_account_type": "bank_account"},
        "acquirer_data": {"rrn": "322206890934", "auth_code": "828553"},
    }


def test_nobodys_address_or_number_leaves() -> None:
    sentences = {
        "error_description": "Card 4111 1111 1111 1111 of gaurav@upi, phone +91 98765-43210, failed"
    }
    payment = payment_from(PAYMENT | PERSONAL | sentences)
    kept = json.dumps([payment.error_description, payment.details])
    for secret in ["gaurav", "98765", "4111", "Kumar", "Meera", "123456789012", "cust_"]:
        assert secret not in kept
    assert payment.error_description == "Card … of … phone …, failed"


@pytest.mark.parametrize(
    ("theirs", "ours"), [("cardless_emi", "emi"), ("nach", "other"), ("upi", "upi"), (None, None)]
)
def test_methods_in_our_words(theirs: str | None, ours: str | None) -> None:
    assert payment_from(PAYMENT | {"method": theirs}).method == ours


def test_a_payment_without_an_order_is_nobodys() -> None:
    assert payment_from(PAYMENT | {"order_id": None}).gateway_order_id == ""


def test_an_empty_object_may_be_a_list() -> None:
    payment = payment_from(PAYMENT | {"acquirer_data": [], "notes": [], "card": []})
    assert set(payment.details) == {"amount_refunded", "captured", "fee", "tax"}


@pytest.mark.parametrize(
    "nonsense",
    [
        {"amount": 50.0},
        {"amount": "5000"},
        {"amount": -1},
        {"amount": True},
        {"status": "settled"},
        {"id": None},
        {"id": "p" * 65},
        {"currency": 7},
        {"method": ["card"]},
    ],
)
def test_what_is_not_a_payment_says_nothing(nonsense: dict[str, Any]) -> None:
    with pytest.raises(Unavailable):
        payment_from(PAYMENT | nonsense)


@pytest.mark.parametrize("nonsense", [{}, {"id": "order_1"}, {"id": 1, "amount": 1}])
def test_what_is_not_an_order_says_nothing(nonsense: dict[str, Any]) -> None:
    with pytest.raises(Unavailable):
        order_from(nonsense)

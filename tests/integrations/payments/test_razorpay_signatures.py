"""What a signature may look like, and which of them are believed."""

import secrets

import pytest

from domain.errors import Unauthenticated, Unreadable
from integrations.payments.razorpay import RazorpayGateway
from integrations.payments.signatures import sign
from tests.gateway_simulator import KEY_ID, KEY_SECRET

NOW, BEFORE = "the-present-secret", "the-secret-before"
BODY = b'{"entity": "event", "event": "order.paid", "payload": []}'
GENUINE = sign(NOW.encode(), BODY)


@pytest.fixture
def gateway() -> RazorpayGateway:
    return RazorpayGateway(
        key_id=KEY_ID,
        key_secret=KEY_SECRET,
        base_url="http://127.0.0.1:1",
        webhook_secrets=(NOW, BEFORE),
    )


@pytest.mark.parametrize("secret", [NOW, BEFORE])
def test_the_present_secret_and_the_one_before_are_believed(
    gateway: RazorpayGateway, secret: str
) -> None:
    read = gateway.read_webhook(body=BODY, signature=sign(secret.encode(), BODY), event_id="evt_1")
    assert (read.event, read.payment) == ("order.paid", None)


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        GENUINE.upper(),
        f" {GENUINE}",
        GENUINE[:-1],
        GENUINE + "0",
        f"{GENUINE},{GENUINE}",
        f"sha256={GENUINE}",
        "é" * 64,
        "\udcff" * 64,
        "\x00" * 64,
        "鍵" * 64,
        "a" * 1_000_000,
        sign(b"another-secret", BODY),
        sign(b"", BODY),
        sign(KEY_SECRET.encode(), BODY),
        sign(NOW.encode(), BODY + b"\n"),
    ],
)
def test_any_other_signature_is_refused(gateway: RazorpayGateway, signature: str | None) -> None:
    with pytest.raises(Unauthenticated):
        gateway.read_webhook(body=BODY, signature=signature, event_id="evt_1")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff" * 100,
        b'{"entity": "event"}',
        b'{"entity": "event", "event": 7, "payload": {}}',
        b'{"entity": "order", "event": "order.paid", "payload": {}}',
        b'{"entity": "event", "event": "x", "payload": {"payment": {}}, "payment": null}'[:-1],
        b'{"entity": "event", "event": "x", "payload": {"payment": {"entity": {"id": "pay_1"}}}}',
        b'{"entity": "event", "event": "x", "payload": {"payment": {"entity": [1]}}}',
        b'{"entity": "event", "event": "x", "payload": {"payment": [1]}}',
        b"[" * 100_000,
        secrets.token_bytes(1_000_000),
    ],
)
def test_a_signed_body_that_is_not_razorpays_is_unreadable(
    gateway: RazorpayGateway, body: bytes
) -> None:
    with pytest.raises(Unreadable):
        gateway.read_webhook(body=body, signature=sign(NOW.encode(), body), event_id="evt_1")


def test_a_webhook_without_an_id_is_known_by_its_body(gateway: RazorpayGateway) -> None:
    read = [gateway.read_webhook(body=BODY, signature=GENUINE, event_id="") for _ in range(2)]
    assert read[0].event_id.startswith("sha256:")
    assert read[0] == read[1]


@pytest.mark.parametrize("event_id", ["evt 1", "evt\n1", "é", "e" * 129])
def test_an_odd_event_id_is_unreadable(gateway: RazorpayGateway, event_id: str) -> None:
    with pytest.raises(Unreadable):
        gateway.read_webhook(body=BODY, signature=GENUINE, event_id=event_id)


@pytest.mark.parametrize(
    ("order_id", "payment_id", "signature"),
    [
        ("order_1", "pay_1", sign(KEY_SECRET.encode(), b"order_1|pay_2")),
        ("order_2", "pay_1", sign(KEY_SECRET.encode(), b"order_1|pay_1")),
        ("order_1", "pay_1", sign(KEY_SECRET.encode(), b"order_1|pay_1").upper()),
        ("order_1", "pay_1", sign(NOW.encode(), b"order_1|pay_1")),
        ("order_1", "pay_1", ""),
        ("order_1", "pay_1", None),
        ("order_1", "pay_1", "é"),
        ("order_é", "pay_\udcff", "\udcff"),
        ("", "", ""),
    ],
)
def test_a_checkout_signed_otherwise_is_not_genuine(
    gateway: RazorpayGateway, order_id: str, payment_id: str, signature: str | None
) -> None:
    assert not gateway.checkout_is_genuine(
        gateway_order_id=order_id, gateway_payment_id=payment_id, signature=signature
    )


@pytest.mark.parametrize(
    "empty", [{"key_id": ""}, {"key_secret": ""}, {"webhook_secrets": (NOW, "")}]
)
def test_an_empty_secret_is_refused_at_the_start(empty: dict[str, object]) -> None:
    whole: dict[str, object] = {
        "key_id": KEY_ID,
        "key_secret": KEY_SECRET,
        "base_url": "https://api.razorpay.com",
        "webhook_secrets": (NOW,),
    }
    with pytest.raises(ValueError, match="empty"):
        RazorpayGateway(**(whole | empty))  # type: ignore[arg-type] # a table of keywords

"""The simulator's webhooks: signed, at least once, and as unreliable as a test wants them."""

import json
import secrets
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from integrations.payments.signatures import is_signed
from tests.fakes_gateway import SentWebhook
from tests.gateway_simulator import (
    KEY_ID,
    KEY_SECRET,
    WEBHOOK_SECRET,
    RunningSimulator,
    WebhookCatcher,
)


@pytest.fixture
def catcher(simulator: RunningSimulator) -> Iterator[WebhookCatcher]:
    with WebhookCatcher() as catcher:
        simulator.settings(webhook_url=catcher.url)
        yield catcher


def new_order(simulator: RunningSimulator) -> str:
    made = httpx.post(
        f"{simulator.base_url}/v1/orders",
        auth=(KEY_ID, KEY_SECRET),
        json={"amount": 5000, "currency": "INR", "receipt": secrets.token_hex(12)},
    )
    order_id: str = made.raise_for_status().json()["id"]
    return order_id


def name(sent: SentWebhook) -> str:
    event: str = json.loads(sent.body)["event"]
    return event


def test_a_captured_payment_tells_three_times(
    simulator: RunningSimulator, catcher: WebhookCatcher
) -> None:
    payment_id = simulator.pay(new_order(simulator)).payment_id
    sent = [catcher.next(payment_id) for _ in range(3)]
    assert {name(s) for s in sent} == {"payment.authorized", "payment.captured", "order.paid"}
    assert all(is_signed(s.body, s.signature, secrets=(WEBHOOK_SECRET.encode(),)) for s in sent)
    assert len({s.event_id for s in sent}) == 3


def test_a_webhook_is_a_snapshot_with_the_documented_quirks(
    simulator: RunningSimulator, catcher: WebhookCatcher
) -> None:
    payment_id = simulator.pay(new_order(simulator), outcome="authorized").payment_id
    body = json.loads(catcher.next(payment_id).body)
    payment: dict[str, Any] = body["payload"]["payment"]["entity"]
    assert (body["entity"], body["contains"]) == ("event", ["payment"])
    assert (payment["status"], payment["captured"], payment["fee"]) == ("authorized", False, None)
    assert payment["notes"] == []
    assert "_sim" not in payment


def test_a_refused_webhook_comes_again_with_the_same_id(
    simulator: RunningSimulator, catcher: WebhookCatcher
) -> None:
    catcher.refuse = 3
    payment_id = simulator.pay(new_order(simulator), outcome="failure").payment_id
    sent = catcher.next(payment_id)
    listed = simulator.controls.get("/webhooks").json()["deliveries"]
    [delivery] = [d for d in listed if d["event_id"] == sent.event_id]
    assert delivery["attempts"] == 4


def test_a_webhook_may_come_twice(simulator: RunningSimulator, catcher: WebhookCatcher) -> None:
    simulator.fault("webhooks", "duplicate")
    payment_id = simulator.pay(new_order(simulator), outcome="failure").payment_id
    assert catcher.next(payment_id) == catcher.next(payment_id)


def test_a_webhook_may_be_lost(simulator: RunningSimulator, catcher: WebhookCatcher) -> None:
    simulator.fault("webhooks", "lose")
    simulator.pay(new_order(simulator), outcome="failure")
    assert catcher.none_within(0.5)
    assert simulator.controls.get("/webhooks").json()["deliveries"][-1]["status"] == "lost"


def test_a_held_webhook_comes_after_the_next(
    simulator: RunningSimulator, catcher: WebhookCatcher
) -> None:
    simulator.fault("webhooks", "reorder")
    simulator.fault("webhooks", "lose", after=1)  # order.paid, which nobody waits for here
    payment_id = simulator.pay(new_order(simulator), outcome="failed_then_captured").payment_id
    names = [name(catcher.next(payment_id)) for _ in range(3)]
    assert names.index("payment.failed") > 0


def test_a_delayed_webhook_is_overtaken(
    simulator: RunningSimulator, catcher: WebhookCatcher
) -> None:
    simulator.fault("webhooks", "delay", seconds=1)
    first = simulator.pay(new_order(simulator), outcome="failure").payment_id
    second = simulator.pay(new_order(simulator), outcome="failure").payment_id
    sent = [catcher.taken.get(timeout=10).body for _ in range(2)]
    assert second.encode() in sent[0]
    assert first.encode() in sent[1]


def test_a_webhook_may_be_forged(simulator: RunningSimulator, catcher: WebhookCatcher) -> None:
    simulator.fault("webhooks", "bad-signature")
    payment_id = simulator.pay(new_order(simulator), outcome="failure").payment_id
    sent = catcher.next(payment_id)
    assert not is_signed(sent.body, sent.signature, secrets=(WEBHOOK_SECRET.encode(),))


def test_webhooks_stay_on_this_machine(simulator: RunningSimulator) -> None:
    for url in ["http://example.com/hook", "ftp://127.0.0.1/", "http://[", "//127.0.0.1"]:
        answer = simulator.controls.post("/settings", json={"webhook_url": url})
        assert answer.status_code == 400

"""The simulator keeps a gateway's rules: the real SDK asks, and the books must add up."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import razorpay
from razorpay.errors import BadRequestError

from tests.gateway_simulator import KEY_ID, KEY_SECRET, RunningSimulator, running_simulator

PRICE = 250_000
THREE_DAYS = 3 * 24 * 3600


@pytest.fixture
def sdk(simulator: RunningSimulator) -> Iterator[Any]:
    client = razorpay.Client(auth=(KEY_ID, KEY_SECRET), base_url=simulator.base_url)
    yield client
    client.session.close()


def new_order(sdk: Any, **fields: Any) -> dict[str, Any]:
    body = {"amount": PRICE, "currency": "INR", "receipt": secrets.token_hex(12)} | fields
    made: dict[str, Any] = sdk.order.create(body)
    return made


def test_an_order_has_razorpays_shape(sdk: Any) -> None:
    order = new_order(sdk)
    assert set(order) == {
        "id", "entity", "amount", "amount_paid", "amount_due", "currency", "receipt", "offer_id",
        "status", "attempts", "notes", "created_at",
    }  # fmt: skip
    assert len(order["id"]) == len("order_") + 14
    assert (order["notes"], order["amount_due"], order["status"]) == ([], PRICE, "created")
    assert sdk.order.fetch(order["id"], {}) == order


def test_orders_are_listed_newest_first_in_pages(sdk: Any) -> None:
    made = [new_order(sdk)["id"] for _ in range(3)]
    page = sdk.order.all({"count": 2, "skip": 1})
    assert [order["id"] for order in page["items"]] == [made[1], made[0]]
    assert sdk.order.all({"from": 2**40})["items"] == []


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"amount": 99}, "at least INR 1.00"),
        ({"amount": 100.5}, "must be an integer"),
        ({"amount": "100"}, "must be an integer"),
        ({"amount": True}, "must be an integer"),
        ({"amount": None}, "amount field is required"),
        ({"currency": None}, "currency field is required"),
        ({"currency": "rupees"}, "currency"),
        ({"receipt": "r" * 41}, "40 characters"),
        ({"colour": "gold"}, "colour is/are not required"),
        ({"notes": {str(n): "x" for n in range(16)}}, "notes"),
        ({"notes": {"a": "x" * 257}}, "256 characters"),
    ],
)
def test_an_order_is_checked_in_the_documented_words(
    sdk: Any, fields: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(BadRequestError, match=sentence):
        new_order(sdk, **fields)


@pytest.mark.parametrize("query", [{"count": 101}, {"count": 0}, {"skip": "x"}, {"colour": "gold"}])
def test_a_list_is_asked_for_properly(sdk: Any, query: dict[str, Any]) -> None:
    with pytest.raises(BadRequestError):
        sdk.order.all(query)


def test_wrong_keys_are_401(simulator: RunningSimulator) -> None:
    orders = f"{simulator.base_url}/v1/orders"
    for auth in [None, (KEY_ID, "wrong"), ("rzp_test_other", KEY_SECRET)]:
        assert httpx.get(orders, auth=auth).status_code == 401
    assert httpx.get(orders, headers={b"Authorization": b"Basic \xe9"}).status_code == 401


def test_an_unknown_url_is_a_bad_request(simulator: RunningSimulator) -> None:
    answer = httpx.get(f"{simulator.base_url}/v1/nothing", auth=(KEY_ID, KEY_SECRET))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BAD_REQUEST_ERROR")


def test_an_authorised_payment_is_captured_once_and_to_the_paisa(
    simulator: RunningSimulator, sdk: Any
) -> None:
    order = new_order(sdk, payment_capture=0)
    payment_id = simulator.pay(order["id"]).payment_id
    with pytest.raises(BadRequestError, match="equal to the amount authorized"):
        sdk.payment.capture(payment_id, PRICE - 1, {"currency": "INR"})
    with pytest.raises(BadRequestError, match="equal to the amount authorized"):
        sdk.payment.capture(payment_id, PRICE, {"currency": "USD"})
    captured = sdk.payment.capture(payment_id, PRICE, {"currency": "INR"})
    assert (captured["status"], captured["captured"]) == ("captured", True)
    with pytest.raises(BadRequestError, match="already paid"):
        sdk.payment.capture(payment_id, PRICE, {"currency": "INR"})
    assert sdk.order.fetch(order["id"], {})["status"] == "paid"


def test_a_paid_order_takes_no_second_payment(simulator: RunningSimulator, sdk: Any) -> None:
    order = new_order(sdk)
    simulator.pay(order["id"])
    body = {"order_id": order["id"]}
    assert simulator.controls.post("/checkout", json=body).status_code == 400
    assert [line["captured"] for line in simulator.ledger(order["receipt"])] == [PRICE]


def test_a_payment_shows_its_card_only_when_asked(simulator: RunningSimulator, sdk: Any) -> None:
    payment_id = simulator.pay(new_order(sdk)["id"]).payment_id
    assert "card" not in sdk.payment.fetch(payment_id, {})
    assert sdk.payment.fetch(payment_id, {"expand[]": "card"})["card"]["last4"] == "1111"


def test_refunds_add_up_to_what_was_captured(simulator: RunningSimulator, sdk: Any) -> None:
    order = new_order(sdk)
    payment_id = simulator.pay(order["id"]).payment_id
    part = sdk.payment.refund(payment_id, {"amount": 100_000})
    assert (part["status"], part["amount"]) == ("processed", 100_000)
    assert sdk.payment.fetch(payment_id, {})["refund_status"] == "partial"
    with pytest.raises(BadRequestError, match="greater than amount captured"):
        sdk.payment.refund(payment_id, {"amount": PRICE})
    rest = sdk.payment.refund(payment_id, {})
    assert rest["amount"] == PRICE - 100_000
    with pytest.raises(BadRequestError, match="fully refunded already"):
        sdk.payment.refund(payment_id, {})
    assert sdk.payment.fetch(payment_id, {})["status"] == "refunded"
    assert sdk.order.fetch(order["id"], {})["status"] == "paid"
    assert {r["id"] for r in sdk.payment.fetch_multiple_refund(payment_id, {})["items"]} == {
        part["id"],
        rest["id"],
    }
    assert sdk.refund.fetch(part["id"], {}) == part
    [line] = simulator.ledger(order["receipt"])
    assert (line["captured"], line["refunded"]) == (PRICE, PRICE)


def test_a_refund_asked_twice_with_one_key_is_one_refund(
    simulator: RunningSimulator, sdk: Any
) -> None:
    payment_id = simulator.pay(new_order(sdk)["id"]).payment_id
    key = f"refund-{secrets.token_hex(8)}"
    made = [_refund(sdk, payment_id, 500, key) for _ in range(2)]
    assert made[0] == made[1]
    with pytest.raises(BadRequestError, match="Different request"):
        _refund(sdk, payment_id, 600, key)
    with pytest.raises(BadRequestError, match="at least 10"):
        _refund(sdk, payment_id, 500, "short")
    assert sdk.payment.fetch(payment_id, {})["amount_refunded"] == 500


def _refund(sdk: Any, payment_id: str, amount: int, key: str) -> Any:
    return sdk.payment.refund(payment_id, {"amount": amount}, headers={"X-Refund-Idempotency": key})


def test_a_refund_that_fails_leaves_the_money_with_the_shop(
    simulator: RunningSimulator, sdk: Any
) -> None:
    simulator.settings(refunds="pending")
    payment_id = simulator.pay(new_order(sdk)["id"]).payment_id
    refund = sdk.payment.refund(payment_id, {"amount": 500})
    assert refund["status"] == "pending"
    settled = simulator.controls.post(f"/refunds/{refund['id']}", json={"outcome": "failed"})
    assert settled.json()["status"] == "failed"
    assert sdk.payment.fetch(payment_id, {})["amount_refunded"] == 0
    again = simulator.controls.post(f"/refunds/{refund['id']}", json={"outcome": "processed"})
    assert again.status_code == 400


def test_money_that_was_not_captured_cannot_be_refunded(
    simulator: RunningSimulator, sdk: Any
) -> None:
    answer = simulator.pay(new_order(sdk)["id"], outcome="authorized")
    with pytest.raises(BadRequestError, match="captured"):
        sdk.payment.refund(answer.payment_id, {})


def test_an_authorisation_goes_back_after_three_days(simulator: RunningSimulator, sdk: Any) -> None:
    order = new_order(sdk)
    payment_id = simulator.pay(order["id"], outcome="authorized").payment_id
    simulator.advance(THREE_DAYS - 60)
    assert sdk.payment.fetch(payment_id, {})["status"] == "authorized"
    simulator.advance(60)
    payment = sdk.payment.fetch(payment_id, {})
    assert (payment["status"], payment["captured"]) == ("refunded", False)
    assert [line["captured"] for line in simulator.ledger(order["receipt"])] == [0]


def test_a_late_payment_fails_after_ten_minutes_and_is_captured_in_the_end(
    simulator: RunningSimulator, sdk: Any
) -> None:
    order = new_order(sdk)
    answer = simulator.pay(order["id"], outcome="late", after_seconds=7200)
    assert answer.signature == ""
    states = []
    for seconds in (0, 600, 6600):
        simulator.advance(seconds)
        states.append(sdk.payment.fetch(answer.payment_id, {})["status"])
    assert states == ["created", "failed", "captured"]
    assert sdk.order.fetch(order["id"], {})["status"] == "paid"


def test_a_late_payment_of_an_order_paid_meanwhile_is_not_captured(
    simulator: RunningSimulator, sdk: Any
) -> None:
    order = new_order(sdk)
    late = simulator.pay(order["id"], outcome="late", after_seconds=900)
    simulator.pay(order["id"])
    simulator.advance(900)
    assert sdk.payment.fetch(late.payment_id, {})["status"] == "authorized"
    assert [line["captured"] for line in simulator.ledger(order["receipt"])] == [PRICE]


@pytest.mark.parametrize(("rule", "orders"), [("duplicates", 2), ("same", 1), ("unique", 1)])
def test_accounts_differ_in_what_a_receipt_means(
    simulator: RunningSimulator, sdk: Any, rule: str, orders: int
) -> None:
    simulator.settings(receipts=rule)
    first = new_order(sdk)
    if rule == "unique":
        with pytest.raises(BadRequestError, match="receipt should be unique"):
            new_order(sdk, receipt=first["receipt"])
    else:
        new_order(sdk, receipt=first["receipt"])
    found = sdk.order.all({"receipt": first["receipt"]})
    assert found["count"] == orders


def test_the_books_survive_a_restart(tmp_path: Path) -> None:
    data = tmp_path / "books.sqlite"
    with running_simulator(data=data) as simulator:
        client = razorpay.Client(auth=(KEY_ID, KEY_SECRET), base_url=simulator.base_url)
        order = new_order(client)
        simulator.pay(order["id"])
        before = simulator.ledger(order["receipt"])
        client.session.close()
    with running_simulator(data=data) as simulator:
        assert simulator.ledger(order["receipt"]) == before
        assert before[0]["captured"] == PRICE


def test_the_page_lists_what_waits_for_money(simulator: RunningSimulator, sdk: Any) -> None:
    waiting, paid = new_order(sdk), new_order(sdk)
    simulator.pay(paid["id"])
    listed = [order["id"] for order in simulator.controls.get("/orders").json()]
    assert waiting["id"] in listed
    assert paid["id"] not in listed
    page = httpx.get(simulator.base_url)
    assert (page.status_code, "No money moves here" in page.text) == (200, True)


def test_another_host_name_is_refused(simulator: RunningSimulator) -> None:
    answer = httpx.get(f"{simulator.base_url}/_sim/ledger", headers={"Host": "evil.example"})
    assert answer.status_code == 400

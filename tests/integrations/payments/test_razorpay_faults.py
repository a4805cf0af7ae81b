"""Whatever goes wrong on the way, an outcome is a result, a refusal or unknown: never a guess."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import pytest

from domain.errors import Invalid, RuleViolation, Unavailable
from domain.ports.gateway import GatewayOrder
from embedded.ports import LOOPBACK, free_port
from integrations.payments.razorpay import RazorpayGateway
from tests.gateway_simulator import RunningSimulator

T = TypeVar("T")

PRICE = 150_000
PATIENCE = (0.5, 0.6)
"""Connect and read, in seconds: shorter than the faults last."""

ACTED = ["act-then-hang", "act-then-500", "act-then-reset", "act-then-nonsense", "act-then-trickle"]
NOT_ACTED = ["hang", "502", "redirect", "429"]


@pytest.fixture
async def gateway(simulator: RunningSimulator) -> AsyncIterator[RazorpayGateway]:
    gateway = simulator.gateway(timeout=PATIENCE)
    yield gateway
    await gateway.close()


async def order(gateway: RazorpayGateway, receipt: str, amount_minor: int = PRICE) -> GatewayOrder:
    return await gateway.create_order(
        receipt=receipt, amount_minor=amount_minor, currency="INR", notes={}
    )


def new_receipt() -> str:
    return secrets.token_hex(12)


@pytest.mark.parametrize("mode", ACTED)
async def test_an_order_that_was_made_out_of_sight_is_adopted(
    simulator: RunningSimulator, gateway: RazorpayGateway, mode: str
) -> None:
    receipt = new_receipt()
    simulator.fault("orders.create", mode, seconds=2)
    made = await order(gateway, receipt)
    assert [line["order_id"] for line in simulator.ledger(receipt)] == [made.gateway_order_id]


@pytest.mark.parametrize("mode", NOT_ACTED)
async def test_an_order_that_was_not_made_is_unknown_until_it_is_asked_for_again(
    simulator: RunningSimulator, gateway: RazorpayGateway, mode: str
) -> None:
    receipt = new_receipt()
    simulator.fault("orders.create", mode, seconds=1)
    with pytest.raises(Unavailable):
        await order(gateway, receipt)
    assert simulator.ledger(receipt) == []
    made = await order(gateway, receipt)
    assert [line["order_id"] for line in simulator.ledger(receipt)] == [made.gateway_order_id]


@pytest.mark.parametrize("mode", ACTED)
async def test_when_the_second_look_fails_too_the_next_try_adopts(
    simulator: RunningSimulator, gateway: RazorpayGateway, mode: str
) -> None:
    receipt = new_receipt()
    simulator.fault("orders.create", mode, seconds=1)
    simulator.fault("orders.list", "502", after=1)
    with pytest.raises(Unavailable):
        await order(gateway, receipt)
    [line] = simulator.ledger(receipt)
    assert (await order(gateway, receipt)).gateway_order_id == line["order_id"]


async def test_without_the_first_look_nothing_is_sent(
    simulator: RunningSimulator, gateway: RazorpayGateway
) -> None:
    receipt = new_receipt()
    simulator.fault("orders.list", "502")
    with pytest.raises(Unavailable):
        await order(gateway, receipt)
    assert simulator.ledger(receipt) == []


async def test_of_two_orders_of_a_receipt_the_older_is_kept(
    simulator: RunningSimulator, gateway: RazorpayGateway
) -> None:
    """The gateway acts after we gave up; by then we had asked again."""
    receipt = new_receipt()
    simulator.fault("orders.create", "hang-then-act", seconds=2.5)
    with pytest.raises(Unavailable):
        await order(gateway, receipt)
    made = await order(gateway, receipt)
    await eventually(lambda: len(simulator.ledger(receipt)) == 2)
    assert (await order(gateway, receipt)).gateway_order_id == made.gateway_order_id


async def test_a_refused_order_is_a_definite_no(
    simulator: RunningSimulator, gateway: RazorpayGateway
) -> None:
    receipt = new_receipt()
    with pytest.raises(RuleViolation, match="at least INR") as refused:
        await order(gateway, receipt, 99)
    assert refused.value.extra["gatewayField"] == "amount"
    with pytest.raises(Invalid, match="40 characters"):
        await order(gateway, "r" * 41)
    assert simulator.ledger(receipt) == []


async def test_accounts_with_unique_receipts_adopt_too(
    simulator: RunningSimulator, gateway: RazorpayGateway
) -> None:
    receipt = new_receipt()
    simulator.settings(receipts="unique")
    made = await asyncio.gather(*(order(gateway, receipt) for _ in range(4)))
    assert len(set(made)) == 1
    assert len(simulator.ledger(receipt)) == 1


async def test_a_receipt_that_was_taken_between_look_and_order_is_adopted(
    simulator: RunningSimulator, gateway: RazorpayGateway
) -> None:
    receipt = new_receipt()
    simulator.settings(receipts="unique")
    simulator.fault("orders.create", "hang-then-act", seconds=0.3)
    looked_at = _kinds(simulator).get("orders.create", 0)
    slow = asyncio.create_task(order(gateway, receipt))
    await eventually(lambda: _kinds(simulator).get("orders.create", 0) > looked_at)
    made = await order(gateway, receipt)
    assert await slow == made
    assert len(simulator.ledger(receipt)) == 1


@pytest.mark.parametrize("mode", [*ACTED, *NOT_ACTED])
async def test_a_reading_that_goes_wrong_is_unknown_and_may_be_repeated(
    simulator: RunningSimulator, gateway: RazorpayGateway, mode: str
) -> None:
    receipt = new_receipt()
    made = await order(gateway, receipt)
    answer = simulator.pay(made.gateway_order_id)
    simulator.fault("payments.get", mode, seconds=1)
    simulator.fault("orders.payments", mode, seconds=1)
    with pytest.raises(Unavailable):
        await gateway.payment(answer.payment_id)
    with pytest.raises(Unavailable):
        await gateway.order_payments(made.gateway_order_id)
    payment = await gateway.payment(answer.payment_id)
    assert (payment.state, payment.amount_minor) == ("captured", PRICE)
    assert [line["captured"] for line in simulator.ledger(receipt)] == [PRICE]


async def test_money_at_the_gateway_is_the_money_reported_whatever_goes_wrong(
    simulator: RunningSimulator, gateway: RazorpayGateway
) -> None:
    """Thirty orders over a gateway that fails two calls in five, seeded."""
    for seed, mode in enumerate([*ACTED, "502", "429", "redirect"]):
        simulator.fault("*", mode, times=1000, seconds=0.8, probability=0.05, seed=seed)
    receipts = [new_receipt() for _ in range(30)]
    reported = await asyncio.gather(*(_buy(simulator, gateway, r) for r in receipts))
    simulator.controls.delete("/faults").raise_for_status()
    truth = [[line["captured"] for line in simulator.ledger(r)] for r in receipts]
    assert truth == [[amount] for amount in reported]


async def _buy(simulator: RunningSimulator, gateway: RazorpayGateway, receipt: str) -> int:
    """Order, pay or fail, and read until the outcome is known; what the payments say in paise."""
    outcome = "success" if int(receipt, 16) % 3 else "failure"
    made = await _until_known(lambda: order(gateway, receipt))
    await asyncio.to_thread(simulator.pay, made.gateway_order_id, outcome=outcome)
    payments = await _until_known(lambda: gateway.order_payments(made.gateway_order_id))
    return sum(p.amount_minor for p in payments if p.state == "captured")


async def _until_known(call: Callable[[], Awaitable[T]]) -> T:
    for _ in range(20):
        try:
            return await call()
        except Unavailable:
            continue
    raise AssertionError("unknown after 20 tries")


async def test_the_gateways_wish_to_wait_is_passed_on(
    simulator: RunningSimulator, gateway: RazorpayGateway
) -> None:
    simulator.fault("orders.list", "429")
    with pytest.raises(Unavailable) as wait:
        await order(gateway, new_receipt())
    assert wait.value.retry_after_seconds == 7


async def test_wrong_keys_are_our_fault_and_not_the_customers(simulator: RunningSimulator) -> None:
    gateway = simulator.gateway(key_secret="not-the-secret")
    with pytest.raises(Unavailable, match="keys"):
        await order(gateway, new_receipt())
    await gateway.close()


async def test_a_gateway_that_is_down_is_unknown_and_prints_nothing(
    simulator: RunningSimulator, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway = simulator.gateway(base_url=f"http://{LOOPBACK}:{free_port()}")
    with pytest.raises(Unavailable):
        await order(gateway, new_receipt())
    await gateway.close()
    assert capsys.readouterr() == ("", "")


async def test_a_slow_gateway_holds_up_nothing_else(
    simulator: RunningSimulator, gateway: RazorpayGateway
) -> None:
    simulator.fault("payments.get", "hang", times=8, seconds=0.5)
    calls = asyncio.gather(
        *(gateway.payment("pay_00000000000000") for _ in range(8)), return_exceptions=True
    )
    turns = 0
    while not calls.done():
        await asyncio.sleep(0.01)
        turns += 1
    assert turns > 20
    assert all(isinstance(outcome, Unavailable) for outcome in await calls)


async def test_calls_do_not_queue_up_without_end(simulator: RunningSimulator) -> None:
    gateway = simulator.gateway(timeout=PATIENCE, threads=1)
    simulator.fault("payments.get", "hang", times=1, seconds=0.5)
    started = time.monotonic()
    outcomes = await asyncio.gather(
        *(gateway.payment("pay_00000000000000") for _ in range(80)), return_exceptions=True
    )
    too_many = [o for o in outcomes if isinstance(o, Unavailable) and "Too many" in o.detail]
    assert len(too_many) == 80 - 65
    assert time.monotonic() - started < 30
    await gateway.close()


async def test_a_closed_gateway_is_unavailable(simulator: RunningSimulator) -> None:
    gateway = simulator.gateway()
    await order(gateway, new_receipt())
    await gateway.close()
    with pytest.raises(Unavailable):
        await order(gateway, new_receipt())


async def test_an_abandoned_call_does_not_break_the_next(
    simulator: RunningSimulator, gateway: RazorpayGateway
) -> None:
    receipt = new_receipt()
    simulator.fault("orders.create", "hang-then-act", seconds=0.3)
    abandoned = asyncio.create_task(order(gateway, receipt))
    await eventually(lambda: _kinds(simulator).get("orders.create", 0) > 0)
    abandoned.cancel()
    with pytest.raises(asyncio.CancelledError):
        await abandoned
    await eventually(lambda: len(simulator.ledger(receipt)) == 1)
    made = await order(gateway, receipt)
    assert [line["order_id"] for line in simulator.ledger(receipt)] == [made.gateway_order_id]


async def test_an_answer_without_an_end_is_cut_off(gateway: RazorpayGateway) -> None:
    """A server that sends more than 4 MB; the simulator never would."""
    server = await asyncio.start_server(_endless, LOOPBACK, 0)
    port = server.sockets[0].getsockname()[1]
    flooded = RazorpayGateway(
        key_id="rzp_test_x",
        key_secret="x",
        base_url=f"http://{LOOPBACK}:{port}",
        webhook_secrets=(),
    )
    with pytest.raises(Unavailable):
        await flooded.payment("pay_00000000000000")
    await flooded.close()
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(
    "nonsense", [b"{}", b'{"items": 7}', b'{"items": [7]}', b"[]", b"[" * 99999]
)
async def test_an_answer_that_is_no_list_is_unknown(nonsense: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + nonsense)
        writer.close()

    server = await asyncio.start_server(answer, LOOPBACK, 0)
    port = server.sockets[0].getsockname()[1]
    gateway = RazorpayGateway(
        key_id="rzp_test_x",
        key_secret="x",
        base_url=f"http://{LOOPBACK}:{port}",
        webhook_secrets=(),
    )
    with pytest.raises(Unavailable):
        await gateway.order_payments("order_00000000000000")
    await gateway.close()
    server.close()
    await server.wait_closed()


async def _endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    try:
        for _ in range(200):
            writer.write(b" " * 65536)
            await writer.drain()
    except OSError:
        return
    finally:
        writer.close()


def _kinds(simulator: RunningSimulator) -> dict[str, int]:
    seen: dict[str, int] = simulator.controls.get("/faults").json()["seen"]
    return seen


async def eventually(fact: Callable[[], bool], *, seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not await asyncio.to_thread(fact):
        assert time.monotonic() < until, "it did not come about"
        await asyncio.sleep(0.05)

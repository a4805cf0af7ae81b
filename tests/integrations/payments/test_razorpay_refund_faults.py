"""Whatever goes wrong on the way of a refund, no rupee goes back twice, and none is believed to have gone."""

import secrets
from collections.abc import AsyncIterator

import pytest

from domain.errors import Unavailable
from domain.ports.gateway import GatewayRefund
from integrations.payments.razorpay import RazorpayGateway
from tests.gateway_simulator import RunningSimulator

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


@pytest.fixture
async def receipt(simulator: RunningSimulator, gateway: RazorpayGateway) -> str:
    """Of a paid order."""
    receipt = secrets.token_hex(12)
    order = await gateway.create_order(
        receipt=receipt, amount_minor=PRICE, currency="INR", notes={}
    )
    simulator.pay(order.gateway_order_id)
    return receipt


def given_back(simulator: RunningSimulator, receipt: str) -> int:
    """Paise, as the gateway's own books say."""
    [line] = simulator.ledger(receipt)
    refunded: int = line["refunded"]
    return refunded


async def refund(
    simulator: RunningSimulator, gateway: RazorpayGateway, receipt: str, amount_minor: int = 500
) -> GatewayRefund:
    [line] = simulator.ledger(receipt)
    return await gateway.refund(
        key=receipt,
        gateway_payment_id=line["payments"][0],
        amount_minor=amount_minor,
        notes={"refundId": receipt},
    )


@pytest.mark.parametrize("mode", ACTED)
async def test_a_refund_that_was_made_out_of_sight_is_adopted(
    simulator: RunningSimulator, gateway: RazorpayGateway, receipt: str, mode: str
) -> None:
    simulator.fault("payments.refund", mode, seconds=2)
    made = await refund(simulator, gateway, receipt)
    assert (made.key, made.amount_minor) == (receipt, 500)
    assert given_back(simulator, receipt) == 500


@pytest.mark.parametrize("mode", NOT_ACTED)
async def test_a_refund_that_was_not_made_is_unknown_until_it_is_asked_for_again(
    simulator: RunningSimulator, gateway: RazorpayGateway, receipt: str, mode: str
) -> None:
    simulator.fault("payments.refund", mode, seconds=1)
    with pytest.raises(Unavailable):
        await refund(simulator, gateway, receipt)
    assert given_back(simulator, receipt) == 0
    await refund(simulator, gateway, receipt)
    assert given_back(simulator, receipt) == 500


@pytest.mark.parametrize("mode", ACTED)
async def test_when_the_second_look_fails_too_the_next_try_adopts(
    simulator: RunningSimulator, gateway: RazorpayGateway, receipt: str, mode: str
) -> None:
    simulator.fault("payments.refund", mode, seconds=1)
    simulator.fault("payments.refunds", "502", after=1)
    with pytest.raises(Unavailable):
        await refund(simulator, gateway, receipt, PRICE)
    assert (await refund(simulator, gateway, receipt, PRICE)).state == "processed"
    assert given_back(simulator, receipt) == PRICE


async def test_without_the_first_look_nothing_is_sent(
    simulator: RunningSimulator, gateway: RazorpayGateway, receipt: str
) -> None:
    simulator.fault("payments.refunds", "502")
    with pytest.raises(Unavailable):
        await refund(simulator, gateway, receipt)
    assert given_back(simulator, receipt) == 0


async def test_a_refund_that_acts_after_we_gave_up_is_not_made_twice(
    simulator: RunningSimulator, gateway: RazorpayGateway, receipt: str
) -> None:
    """Neither look could see it; the idempotency key can."""
    simulator.fault("payments.refund", "hang-then-act", seconds=0.9)
    first: GatewayRefund | None = None
    while first is None:
        try:
            first = await refund(simulator, gateway, receipt)
        except Unavailable:
            continue
    again = await refund(simulator, gateway, receipt)
    assert again.gateway_refund_id == first.gateway_refund_id
    assert given_back(simulator, receipt) == 500


async def test_a_key_that_the_gateway_knows_for_another_request_is_a_matter_for_later(
    simulator: RunningSimulator, gateway: RazorpayGateway, receipt: str
) -> None:
    """409 also says that the first is in flight, so it is no refusal."""
    await refund(simulator, gateway, receipt)
    other = secrets.token_hex(12)
    order = await gateway.create_order(receipt=other, amount_minor=PRICE, currency="INR", notes={})
    payment_id = simulator.pay(order.gateway_order_id).payment_id
    with pytest.raises(Unavailable):
        await gateway.refund(key=receipt, gateway_payment_id=payment_id, amount_minor=500, notes={})
    assert given_back(simulator, other) == 0

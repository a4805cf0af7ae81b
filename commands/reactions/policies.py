"""Whenever … then …: what the shop does by itself. To know all of it, read `POLICIES`.

Each runs in the worker, at least once for every event that it waits for, and acts once.
"""

from functools import partial
from typing import Any

from commands.decisions.settlement import settle_order, show_failed_payment
from commands.reactions import mails
from commands.reactions.accounts import ACCOUNT_POLICIES
from commands.reactions.catalogue_pictures import cut_out_catalogue_pictures
from commands.reactions.expiry import expire_reservations
from commands.reactions.importing import IMPORTING
from commands.reactions.mails import Letter
from commands.reactions.orphans import sweep_orphans
from commands.reactions.picturing import PICTURING
from commands.reactions.policy import Policy, act, policy
from commands.reactions.reconciliation import reconcile_open_payments
from commands.reactions.refunding import REFUNDING, reconcile_open_refunds
from commands.reactions.retention import remove_expired_pictures
from commands.reactions.rounds import Round, Whole
from dependencies.services import Services
from domain.accounts import Account
from domain.order_events import OrderCancelled, OrderConfirmed, OrderPlaced, OrderShipped
from domain.orders import Order
from domain.payment_events import PaymentAttemptFailed, PaymentConfirmed
from domain.ports.events import RecordedEvent
from domain.ports.people import Mail
from domain.refund_events import RefundProcessed


@policy("captured_payment_confirms_the_order", on=(PaymentConfirmed,))
async def captured_payment_confirms_the_order(recorded: RecordedEvent, services: Services) -> None:
    """A captured payment confirms its order and commits its stock, revives it, or is to be refunded."""
    await act(
        "captured_payment_confirms_the_order",
        partial(settle_order, recorded.event.object_id),
        recorded,
        services,
        command="SettleOrder",
    )


@policy("failed_payment_is_shown_on_the_order", on=(PaymentAttemptFailed,))
async def failed_payment_is_shown_on_the_order(recorded: RecordedEvent, services: Services) -> None:
    """A failed attempt to pay is shown on an order that waits for its money."""
    event = recorded.event
    assert isinstance(event, PaymentAttemptFailed)
    await act(
        "failed_payment_is_shown_on_the_order",
        partial(show_failed_payment, event.object_id, event.gateway_payment_id, event.error_code),
        recorded,
        services,
        command="ShowFailedPayment",
    )


@policy(
    "customer_is_written_to_about_the_order",
    on=(OrderPlaced, OrderConfirmed, OrderShipped, OrderCancelled),
)
async def customer_is_written_to_about_the_order(
    recorded: RecordedEvent, services: Services
) -> None:
    """The customer gets a mail when the order is placed, confirmed, shipped or cancelled."""
    event: Any = recorded.event
    await _write(recorded, event.customer_id, await _letter(event, services), services)


async def _write(
    recorded: RecordedEvent, customer_id: str, letter: Letter, services: Services
) -> None:
    """Nobody is left to write to when the person was erased."""
    account: Account | None = await services.store.load(Account, customer_id)
    if account is None or not account.email:
        return
    await services.mailer.send(
        Mail(
            key=f"{recorded.event_id}:{letter.template}",
            to=account.email,
            subject=letter.subject,
            text=letter.text,
        )
    )


@policy("customer_is_told_of_the_refund", on=(RefundProcessed,))
async def customer_is_told_of_the_refund(recorded: RecordedEvent, services: Services) -> None:
    """The customer gets a mail when money has gone back."""
    event = recorded.event
    assert isinstance(event, RefundProcessed)
    order: Order = await services.store.load(Order, event.order_id)
    await _write(recorded, event.customer_id, mails.refunded(event, order.number), services)


async def _letter(event: Any, services: Services) -> Letter:
    if isinstance(event, OrderPlaced):
        return mails.order_placed(event)
    order: Order = await services.store.load(Order, event.object_id)
    match event:
        case OrderConfirmed():
            return mails.order_confirmed(event, order.number)
        case OrderShipped():
            return mails.order_shipped(event, order.number)
        case _:
            return mails.order_cancelled(event, order.number)


POLICIES: tuple[Policy, ...] = (
    captured_payment_confirms_the_order,
    failed_payment_is_shown_on_the_order,
    customer_is_written_to_about_the_order,
    customer_is_told_of_the_refund,
    *REFUNDING,
    *PICTURING,
    *IMPORTING,
    *ACCOUNT_POLICIES,
)

ROUNDS: tuple[Round | Whole, ...] = (
    expire_reservations,
    remove_expired_pictures,
    sweep_orphans,
    cut_out_catalogue_pictures,
    reconcile_open_payments,
    reconcile_open_refunds,
)

"""What the shop does by itself about accounts: the link for a new password, warnings, the last of erasure.

`policies.py` lists these with all others.
"""

from typing import Any

from commands.reactions.policy import Policy, policy
from dependencies.services import Services
from domain.accounts import (
    Account,
    EmailChanged,
    PasswordChanged,
    PasswordResetRequested,
    PersonalDataErased,
)
from domain.kernel import DomainEvent
from domain.ports.events import RecordedEvent
from domain.ports.people import Mail
from domain.sessions import REUSED, Session, SessionEnded
from domain.tokens import reset_token

LINK = """Somebody asked for a new password for your account at Kundan.

{link}

The link works once, for 30 minutes. If it was not you, there is nothing to do.
"""

WARNINGS: dict[type[DomainEvent], tuple[str, str]] = {
    PasswordChanged: (
        "Your password was changed",
        "The password of your account at Kundan was changed, and all other sessions have ended.",
    ),
    EmailChanged: (
        "Your e-mail address was changed",
        "The e-mail address of your account at Kundan was changed.",
    ),
    SessionEnded: (
        "A session was ended for safety",
        "A token of your account at Kundan was used twice, as a stolen one is. The session has ended.",
    ),
}
ADVICE = "If it was not you, ask for a new password at once."


@policy("reset_request_mails_the_link", on=(PasswordResetRequested,))
async def reset_request_mails_the_link(recorded: RecordedEvent, services: Services) -> None:
    """Who asks for a new password gets a link by mail, as long as it works."""
    event = recorded.event
    assert isinstance(event, PasswordResetRequested)
    account = await _reachable(event.object_id, services)
    if account is None or not account.resets_with(event.nonce, now=services.clock()):
        return
    token = reset_token(services.keyring.reset, account_id=event.object_id, nonce=event.nonce)
    link = f"{services.settings.public_base_url}/reset-password?token={token}"
    mail = Mail(
        key=f"{recorded.event_id}:reset",
        to=account.email,
        subject="A new password for Kundan",
        text=LINK.format(link=link),
    )
    await services.mailer.send(mail)


@policy("account_holder_is_warned_of_changes", on=(PasswordChanged, EmailChanged, SessionEnded))
async def account_holder_is_warned_of_changes(recorded: RecordedEvent, services: Services) -> None:
    """A changed password or address, or a token used twice, is told to its owner: to the old address too."""
    event: Any = recorded.event
    if isinstance(event, SessionEnded) and event.reason != REUSED:
        return
    addresses = await _addresses(event, services)
    subject, sentence = WARNINGS[type(event)]
    for place, address in enumerate(addresses):
        mail = Mail(
            key=f"{recorded.event_id}:warning-{place}",
            to=address,
            subject=subject,
            text=f"{sentence}\n{ADVICE}\n",
        )
        await services.mailer.send(mail)


async def _addresses(event: Any, services: Services) -> list[str]:
    """Where its owner reads mail: as of the event, and after it."""
    if isinstance(event, SessionEnded):
        session: Session = await services.store.load(Session, event.object_id)
        account = await _reachable(session.account_id, services)
        return [] if account is None else [account.email]
    before = Account.replay(
        await services.store.read_stream(
            event.originator_id, up_to_version=event.originator_version - 1
        )
    )
    after = await _reachable(event.object_id, services)
    if before is None or after is None:
        return []
    return list(dict.fromkeys((before.email, after.email)))


async def _reachable(account_id: str, services: Services) -> Account | None:
    """None for somebody who was forgotten meanwhile."""
    account: Account | None = await services.store.load(Account, account_id)
    return account if account is not None and not account.erased and account.email else None


@policy("erased_person_loses_the_key", on=(PersonalDataErased,))
async def erased_person_loses_the_key(recorded: RecordedEvent, services: Services) -> None:
    """A person's key is destroyed, even when the process that erased them died before it came to that."""
    await services.keys.destroy(recorded.event.object_id)
    services.sessions.forget(recorded.event.object_id)


ACCOUNT_POLICIES: tuple[Policy, ...] = (
    reset_request_mails_the_link,
    account_holder_is_warned_of_changes,
    erased_person_loses_the_key,
)

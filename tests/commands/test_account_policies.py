"""What the shop does by itself about accounts."""

import re
from datetime import timedelta

import pytest

from commands.context import system_context
from commands.effects.erasing import erase
from commands.reactions.accounts import (
    ACCOUNT_POLICIES,
    account_holder_is_warned_of_changes,
    erased_person_loses_the_key,
    reset_request_mails_the_link,
)
from commands.reactions.policies import POLICIES
from domain.errors import NotFound
from domain.ports.events import RecordedEvent
from tests.api import Api, Person
from tests.samples import PASSWORD

NEW = "a fourth map, of Udaipur"


async def last(api: Api, topic: str) -> RecordedEvent:
    return [r for r in await api.store.history() if r.type == topic][-1]


async def link_for(api: Api, person: Person) -> str:
    """The token of the mail that follows a request."""
    await api.client.post("/api/auth/forgot-password", json={"email": person.email})
    recorded = await last(api, "PasswordResetRequested")
    await reset_request_mails_the_link(recorded, api.services)
    found = re.search(r"token=(\S+)", api.mails.to(person.email)[-1].text)
    assert found is not None
    return found[1]


async def reset(api: Api, token: str) -> int:
    body = {"token": token, "newPassword": NEW}
    return (await api.client.post("/api/auth/reset-password", json=body)).status_code


async def test_the_link_of_the_mail_sets_a_new_password_once(api: Api) -> None:
    person = await api.customer()
    token = await link_for(api, person)
    assert token not in str(api.store.commits)
    assert await reset(api, token) == 200
    assert await reset(api, token) == 422
    assert (await person.client.get("/api/auth/me")).status_code == 401
    login = await api.client.post("/api/auth/login", json={"email": person.email, "password": NEW})
    assert login.status_code == 200


async def test_a_newer_link_makes_the_older_one_void(api: Api) -> None:
    person = await api.customer()
    older, newer = await link_for(api, person), await link_for(api, person)
    assert await reset(api, older) == 422
    assert await reset(api, newer) == 200


async def test_a_link_works_for_thirty_minutes(api: Api) -> None:
    person = await api.customer()
    token = await link_for(api, person)
    api.clock.ahead += timedelta(minutes=30)
    assert await reset(api, token) == 422


async def test_a_link_that_would_not_work_any_more_is_not_mailed(api: Api) -> None:
    person = await api.customer()
    await api.client.post("/api/auth/forgot-password", json={"email": person.email})
    api.clock.ahead += timedelta(hours=1)
    await reset_request_mails_the_link(await last(api, "PasswordResetRequested"), api.services)
    assert api.mails.to(person.email) == []


async def test_a_link_names_our_own_host(api: Api) -> None:
    person = await api.customer()
    headers = {"Host": "localhost", "X-Forwarded-Host": "evil.example"}
    body = {"email": person.email}
    await api.client.post("/api/auth/forgot-password", json=body, headers=headers)
    await reset_request_mails_the_link(await last(api, "PasswordResetRequested"), api.services)
    text = api.mails.to(person.email)[-1].text
    assert api.services.settings.public_base_url in text
    assert "evil" not in text


async def test_a_new_address_is_told_to_the_old_one_too(api: Api) -> None:
    person = await api.customer("old@example.com")
    body = {"email": "new@example.com", "currentPassword": PASSWORD}
    await person.client.put("/api/auth/profile", json=body)
    await account_holder_is_warned_of_changes(await last(api, "EmailChanged"), api.services)
    assert [mail.to for mail in api.mails.mails] == ["old@example.com", "new@example.com"]
    assert len({mail.key for mail in api.mails.mails}) == 2


async def test_a_stolen_token_is_told_to_its_owner(api: Api) -> None:
    person = await api.customer()
    body = {"refreshToken": person.tokens["refreshToken"]}
    await api.client.post("/api/auth/refresh", json=body)
    api.clock.ahead += timedelta(minutes=1)
    await api.client.post("/api/auth/refresh", json=body)
    await account_holder_is_warned_of_changes(await last(api, "SessionEnded"), api.services)
    assert [mail.subject for mail in api.mails.to(person.email)] == [
        "A session was ended for safety"
    ]


async def test_signing_out_is_no_cause_for_alarm(api: Api) -> None:
    person = await api.customer()
    await person.client.post("/api/auth/logout")
    await account_holder_is_warned_of_changes(await last(api, "SessionEnded"), api.services)
    assert api.mails.mails == []


async def test_nobody_writes_to_somebody_who_was_forgotten(api: Api) -> None:
    person = await api.customer()
    body = {"currentPassword": PASSWORD, "newPassword": NEW}
    await person.client.post("/api/auth/change-password", json=body)
    await api.client.post("/api/auth/forgot-password", json={"email": person.email})
    await erase(person.id, system_context("ErasePerson", correlation="test"), api.services)
    await account_holder_is_warned_of_changes(await last(api, "PasswordChanged"), api.services)
    await reset_request_mails_the_link(await last(api, "PasswordResetRequested"), api.services)
    assert api.mails.mails == []


async def test_an_erasure_that_was_cut_short_is_finished(api: Api) -> None:
    person = await api.customer()
    context = system_context("ErasePerson", correlation="test")
    await erase(person.id, context, api.services)
    recorded = await last(api, "PersonalDataErased")
    await erased_person_loses_the_key(recorded, api.services)
    with pytest.raises(NotFound):
        await api.services.keys.ensure([person.id])
    assert await erase(person.id, context, api.services) is None


def test_the_shop_runs_them() -> None:
    assert set(ACCOUNT_POLICIES) <= set(POLICIES)

"""Sessions over HTTP: sign in, stay signed in, sign out."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from tests.api import Api, open_api
from tests.samples import PASSWORD

LOGIN = "/api/auth/login"
REFRESH = "/api/auth/refresh"
WRONG = "the address or the password is wrong"


@pytest.mark.parametrize(
    "who",
    [
        {"email": "MEERA@example.com"},
        {"mobile": "098765 43210"},
        {"identifier": "+91-98765-43210"},
        {"identifier": "meera@example.com"},
    ],
)
async def test_one_signs_in_by_address_or_number(api: Api, who: dict[str, str]) -> None:
    person = await api.customer("meera@example.com", mobile="9876543210")
    response = await api.client.post(LOGIN, json=who | {"password": PASSWORD})
    assert response.status_code == 200
    assert response.json()["data"]["user"]["id"] == person.id


async def test_unknown_and_wrong_are_refused_with_the_same_words(api: Api) -> None:
    person = await api.customer()
    answers = [
        await api.client.post(LOGIN, json=body)
        for body in (
            {"email": person.email, "password": "guess"},
            {"email": "nobody@example.com", "password": PASSWORD},
            {"identifier": "not an address", "password": PASSWORD},
        )
    ]
    seen = {(r.status_code, r.json()["code"], r.json()["detail"]) for r in answers}
    assert seen == {(401, "wrong-credentials", WRONG)}
    assert all(r.headers["WWW-Authenticate"] == "Bearer" for r in answers)


@pytest.mark.parametrize(
    "body",
    [
        {"password": PASSWORD},
        {"email": "a@example.com", "mobile": "9876543210", "password": PASSWORD},
        {"email": {"$gt": ""}, "password": PASSWORD},
        {"email": "a@example.com", "password": {"$ne": ""}},
    ],
)
async def test_a_sign_in_names_one_person_in_plain_words(api: Api, body: dict[str, Any]) -> None:
    response = await api.client.post(LOGIN, json=body)
    assert (response.status_code, response.json()["code"]) == (422, "invalid")


async def test_a_refresh_token_works_once_and_its_successor_next(api: Api) -> None:
    person = await api.customer()
    first = await api.client.post(REFRESH, json={"refreshToken": person.tokens["refreshToken"]})
    second = await api.client.post(
        REFRESH, json={"refreshToken": first.json()["data"]["refreshToken"]}
    )
    assert second.status_code == 200
    headers = {"Authorization": f"Bearer {second.json()['data']['accessToken']}"}
    assert (await api.client.get("/api/auth/me", headers=headers)).status_code == 200


async def test_fifty_refreshes_at_once_give_one_successor(api: Api) -> None:
    person = await api.customer()
    body = {"refreshToken": person.tokens["refreshToken"]}
    answers = await asyncio.gather(*(api.client.post(REFRESH, json=body) for _ in range(50)))
    assert {r.status_code for r in answers} == {200}
    assert len({r.json()["data"]["refreshToken"] for r in answers}) == 1
    assert (await api.topics()).count("SessionRefreshed") == 1


async def test_a_stolen_refresh_token_ends_the_session_for_both(api: Api) -> None:
    person = await api.customer()
    stolen = {"refreshToken": person.tokens["refreshToken"]}
    fresh = (await api.client.post(REFRESH, json=stolen)).json()["data"]
    api.clock.ahead += timedelta(seconds=31)
    thief = await api.client.post(REFRESH, json=stolen)
    assert (thief.status_code, thief.json()["code"]) == (401, "refresh-token-reused")
    owner = await api.client.post(REFRESH, json={"refreshToken": fresh["refreshToken"]})
    assert (owner.status_code, owner.json()["code"]) == (401, "session-ended")
    assert (await person.client.get("/api/auth/me")).status_code == 401


@pytest.mark.parametrize("token", ["", "x.y", f"{'0' * 24}.{'A' * 43}"])
async def test_a_made_up_refresh_token_is_refused(api: Api, token: str) -> None:
    response = await api.client.post(REFRESH, json={"refreshToken": token})
    assert (response.status_code, response.json()["code"]) == (401, "invalid-token")


async def test_a_session_nobody_refreshes_ends(api: Api) -> None:
    person = await api.customer()
    api.clock.ahead += timedelta(days=7)
    response = await api.client.post(REFRESH, json={"refreshToken": person.tokens["refreshToken"]})
    assert (response.status_code, response.json()["code"]) == (401, "session-ended")


async def test_signing_out_counts_at_once(api: Api) -> None:
    person = await api.customer()
    assert (await person.client.post("/api/auth/logout")).status_code == 200
    refused = await person.client.get("/api/auth/me")
    assert (refused.status_code, refused.json()["code"]) == (401, "session-ended")
    body = {"refreshToken": person.tokens["refreshToken"]}
    assert (await api.client.post(REFRESH, json=body)).status_code == 401


async def test_signing_out_everywhere_ends_the_other_telephone_too(api: Api) -> None:
    person = await api.customer()
    body = {"email": person.email, "password": PASSWORD}
    other = (await api.client.post(LOGIN, json=body)).json()["data"]
    await person.client.post("/api/auth/logout", json={"allSessions": True})
    headers = {"Authorization": f"Bearer {other['accessToken']}"}
    assert (await api.client.get("/api/auth/me", headers=headers)).status_code == 401
    again = (await api.client.post(LOGIN, json=body)).json()["data"]
    headers = {"Authorization": f"Bearer {again['accessToken']}"}
    assert (await api.client.get("/api/auth/me", headers=headers)).status_code == 200


async def test_one_sees_and_ends_ones_own_sessions_only(api: Api) -> None:
    person, stranger = await api.customer(), await api.customer()
    body = {"email": person.email, "password": PASSWORD}
    await api.client.post(LOGIN, json=body, headers={"User-Agent": "Lost telephone"})
    await api.consistency.fold()
    sessions = (await person.client.get("/api/auth/sessions")).json()["data"]
    lost = next(s for s in sessions if s["device"] == "Lost telephone")
    foreign = await stranger.client.delete(f"/api/auth/sessions/{lost['id']}")
    assert foreign.status_code == 404
    assert (await person.client.delete(f"/api/auth/sessions/{lost['id']}")).status_code == 200
    await api.consistency.fold()
    left = (await person.client.get("/api/auth/sessions")).json()["data"]
    assert [s["current"] for s in left] == [True]


async def test_guessing_is_slowed_down_and_then_told_to_wait(
    database: AsyncDatabase[dict[str, Any]], tmp_path: Path
) -> None:
    async with open_api(database, tmp_path, rate_limits=True) as api:
        person = await api.customer()
        body = {"email": person.email, "password": "guess"}
        answers = [await api.client.post(LOGIN, json=body) for _ in range(6)]
        assert [r.status_code for r in answers] == [401] * 5 + [429]
        assert answers[-1].headers["Retry-After"] == "60"
        assert answers[-1].json()["code"] == "too-many-requests"
        other = {"email": "other@example.com", "password": "guess"}
        assert (await api.client.post(LOGIN, json=other)).status_code == 401

"""Accounts over HTTP: register, sign in, change, leave."""

from pathlib import Path
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from domain.values import Role
from tests.api import Api, open_api
from tests.samples import ADMIN_EMAIL, PASSWORD

REGISTER = "/api/auth/register"
BODY = {"email": "Meera@Example.com", "password": PASSWORD, "firstName": "Meera"}


async def test_a_newcomer_is_registered_and_signed_in(api: Api) -> None:
    response = await api.client.post(REGISTER, json=BODY | {"mobile": "98765 43210"})
    data = response.json()["data"]
    assert response.status_code == 201
    assert data["user"]["email"] == "meera@example.com"
    assert data["user"]["mobile"] == "+919876543210"
    assert data["user"]["id"] == data["user"]["_id"]
    assert data["user"]["roles"] == ["customer"]
    assert (data["tokenType"], data["expiresIn"]) == ("bearer", 1800)
    headers = {"Authorization": f"Bearer {data['accessToken']}"}
    me = await api.client.get("/api/auth/me", headers=headers)
    assert me.json() == {"success": True, "data": data["user"]}
    assert me.headers["ETag"] == '"v1"'


async def test_nobody_ever_sees_a_password_hash(api: Api) -> None:
    person, admin = await api.customer(), await api.admin()
    for response in (
        await person.client.get("/api/auth/me"),
        await admin.client.get(f"/api/admin/users/{person.id}"),
        await admin.client.get("/api/admin/users"),
    ):
        assert "plain:" not in response.text
        assert "passwordHash" not in response.text


async def test_account_claims_and_session_are_one_commit(api: Api) -> None:
    before = len(api.store.commits)
    await api.customer(mobile="9876543210")
    assert len(api.store.commits) == before + 1
    types = [event["type"] for event in api.store.commits[-1]["events"]]
    assert sorted(types) == ["AccountRegistered", "ClaimTaken", "ClaimTaken", "SessionStarted"]


@pytest.mark.parametrize(
    ("second", "code"),
    [
        ({"email": "MEERA@example.com"}, "email-taken"),
        ({"email": "other@example.com", "mobile": "+91 98765-43210"}, "mobile-taken"),
    ],
)
async def test_an_address_or_number_has_one_account(
    api: Api, second: dict[str, str], code: str
) -> None:
    await api.client.post(REGISTER, json=BODY | {"mobile": "9876543210"})
    refused = await api.client.post(REGISTER, json=BODY | second)
    assert (refused.status_code, refused.json()["code"]) == (409, code)


async def test_a_repeated_registration_gives_the_same_account_and_session(api: Api) -> None:
    headers = {"Idempotency-Key": "form-1"}
    first = await api.client.post(REGISTER, json=BODY, headers=headers)
    again = await api.client.post(REGISTER, json=BODY, headers=headers)
    assert again.status_code == 201
    assert again.json()["data"]["user"] == first.json()["data"]["user"]
    assert again.json()["data"]["refreshToken"] == first.json()["data"]["refreshToken"]
    assert (await api.topics()).count("SessionStarted") == 1


async def test_strangers_who_hit_on_the_same_key_do_not_get_in_each_others_way(api: Api) -> None:
    headers = {"Idempotency-Key": "form-1"}
    first = await api.client.post(REGISTER, json=BODY, headers=headers)
    other = BODY | {"email": "another.stranger@example.com"}
    another = await api.client.post(REGISTER, json=other, headers=headers)
    assert (first.status_code, another.status_code) == (201, 201)
    again = await api.client.post(REGISTER, json=BODY, headers=headers)
    assert again.json()["data"]["user"]["id"] == first.json()["data"]["user"]["id"]


async def test_a_password_does_not_leave_its_mark_in_the_fingerprint(api: Api) -> None:
    await api.client.post(REGISTER, json=BODY, headers={"Idempotency-Key": "a"})
    one = api.store.commits[-1]["fingerprint"]
    assert one is not None
    assert PASSWORD not in str(api.store.commits)


@pytest.mark.parametrize(
    ("fields", "field", "code"),
    [
        ({"email": "no-address"}, "email", "value-error"),
        ({"email": {"$ne": None}}, "email", "string-type"),
        ({"password": "short"}, "password", "password-too-short"),
        ({"password": "Password1"}, "password", "password-too-common"),
        ({"firstName": ""}, "firstName", "string-too-short"),
        ({"mobile": "12345"}, "mobile", "value-error"),
        ({"roles": ["admin"]}, "roles", "extra-forbidden"),
    ],
)
async def test_what_cannot_be_registered_is_named_by_its_field(
    api: Api, fields: dict[str, object], field: str, code: str
) -> None:
    response = await api.client.post(REGISTER, json=BODY | fields)
    assert response.status_code == 422
    assert [(e["field"], e["code"]) for e in response.json()["errors"]] == [(field, code)]
    assert PASSWORD not in response.text


async def test_a_slow_read_model_does_not_keep_the_tokens_back(api: Api) -> None:
    api.consistency.lags = True
    data = (await api.client.post(REGISTER, json=BODY)).json()["data"]
    assert data["user"]["firstName"] == "Meera"
    assert data["accessToken"]


# --- The profile ---------------------------------------------------------------------------------


async def test_a_profile_changes_in_what_is_named(api: Api) -> None:
    person = await api.customer(lastName="Iyer")
    response = await person.client.put(
        "/api/auth/profile",
        json={"firstName": "Mira", "preferences": {"favoriteCategories": ["Gold"]}},
    )
    user = response.json()["data"]
    assert (user["firstName"], user["lastName"]) == ("Mira", "Iyer")
    assert user["preferences"] == {"favoriteCategories": ["Gold"], "notifications": True}
    assert response.headers["ETag"] == '"v2"'
    assert response.headers["Consistency-Token"].startswith("p")


async def test_an_avatar_is_an_address_and_may_be_taken_away(api: Api) -> None:
    person = await api.customer()
    for given, shown in (("https://cdn.example/m.jpg", "https://cdn.example/m.jpg"), (None, None)):
        response = await person.client.put("/api/auth/profile", json={"avatar": given})
        assert response.json()["data"]["avatar"] == shown
    refused = await person.client.put("/api/auth/profile", json={"avatar": "javascript:alert(1)"})
    assert refused.json()["errors"][0]["field"] == "avatar"


async def test_naming_the_same_address_needs_no_password(api: Api) -> None:
    person = await api.customer()
    same = await person.client.put("/api/auth/profile", json={"email": person.email.upper()})
    assert same.status_code == 200
    assert "Consistency-Token" not in same.headers


async def test_a_number_alone_may_change(api: Api) -> None:
    person = await api.customer()
    body = {"mobile": "9876543210", "currentPassword": PASSWORD}
    response = await person.client.put("/api/auth/profile", json=body, headers={"If-Match": "*"})
    assert response.json()["data"]["mobile"] == "+919876543210"
    assert (await api.topics())[-2:] == ["MobileChanged", "ClaimTaken"]


async def test_a_repeated_change_is_told_to_be_one(api: Api) -> None:
    person = await api.customer()
    headers = {"Idempotency-Key": "save-1"}
    first = await person.client.put(
        "/api/auth/profile", json={"firstName": "Mira"}, headers=headers
    )
    again = await person.client.put(
        "/api/auth/profile", json={"firstName": "Mira"}, headers=headers
    )
    assert again.content == first.content
    assert again.headers["ETag"] == first.headers["ETag"]
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_a_profile_changed_meanwhile_is_not_overwritten(api: Api) -> None:
    person = await api.customer()
    await person.client.put("/api/auth/profile", json={"firstName": "Mira"})
    late = await person.client.put(
        "/api/auth/profile", json={"firstName": "Mara"}, headers={"If-Match": '"v1"'}
    )
    assert (late.status_code, late.json()["code"]) == (412, "precondition-failed")
    assert late.json()["currentVersion"] == 2


async def test_another_address_needs_the_password(api: Api) -> None:
    person = await api.customer()
    body = {"email": "new@example.com"}
    refused = await person.client.put("/api/auth/profile", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "password-needed")
    wrong = await person.client.put("/api/auth/profile", json=body | {"currentPassword": "guess"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong-password")


async def test_an_address_that_was_given_up_is_free_for_others(api: Api) -> None:
    person = await api.customer("old@example.com", mobile="9876543210")
    changed = await person.client.put(
        "/api/auth/profile",
        json={"email": "new@example.com", "mobile": None, "currentPassword": PASSWORD},
    )
    assert (changed.json()["data"]["email"], changed.json()["data"]["mobile"]) == (
        "new@example.com",
        None,
    )
    await api.customer("old@example.com", mobile="9876543210")
    taken = await api.client.post(REGISTER, json=BODY | {"email": "new@example.com"})
    assert taken.status_code == 409


# --- Passwords -----------------------------------------------------------------------------------


async def test_a_new_password_ends_every_other_session(api: Api) -> None:
    here = await api.customer()
    body = {"email": here.email, "password": PASSWORD}
    elsewhere = (await api.client.post("/api/auth/login", json=body)).json()["data"]
    changed = await here.client.post(
        "/api/auth/change-password",
        json={"currentPassword": PASSWORD, "newPassword": "a fourth map, of Udaipur"},
    )
    assert changed.status_code == 200
    assert (await here.client.get("/api/auth/me")).status_code == 200
    headers = {"Authorization": f"Bearer {elsewhere['accessToken']}"}
    assert (await api.client.get("/api/auth/me", headers=headers)).status_code == 401
    refresh = {"refreshToken": elsewhere["refreshToken"]}
    assert (await api.client.post("/api/auth/refresh", json=refresh)).status_code == 401
    assert (await api.client.post("/api/auth/login", json=body)).status_code == 401
    sessions = (await here.client.get("/api/auth/sessions")).json()["data"]
    assert [session["current"] for session in sessions] == [True]


async def test_a_wrong_current_password_changes_nothing(api: Api) -> None:
    person = await api.customer()
    refused = await person.client.post(
        "/api/auth/change-password",
        json={"currentPassword": "guess", "newPassword": "a fourth map, of Udaipur"},
    )
    assert (refused.status_code, refused.json()["code"]) == (401, "wrong-password")
    assert "PasswordChanged" not in await api.topics()


async def test_asking_for_a_link_answers_alike_for_every_address(api: Api) -> None:
    person = await api.customer()
    known = await api.client.post("/api/auth/forgot-password", json={"email": person.email})
    unknown = await api.client.post("/api/auth/forgot-password", json={"email": "x@example.com"})
    assert known.status_code == unknown.status_code == 202
    assert known.content == unknown.content
    assert (await api.topics()).count("PasswordResetRequested") == 1


async def test_more_than_three_links_an_hour_are_not_mailed(
    database: AsyncDatabase[dict[str, Any]], tmp_path: Path
) -> None:
    async with open_api(database, tmp_path, rate_limits=True) as api:
        person = await api.customer()
        for _ in range(5):
            body = {"email": person.email}
            response = await api.client.post("/api/auth/forgot-password", json=body)
            assert response.status_code == 202
        assert (await api.topics()).count("PasswordResetRequested") == 3


@pytest.mark.parametrize("token", ["", "nonsense", f"{'0' * 24}.{'0' * 24}.{'A' * 43}"])
async def test_a_link_that_we_did_not_make_does_not_work(api: Api, token: str) -> None:
    body = {"token": token, "newPassword": "a fourth map, of Udaipur"}
    response = await api.client.post("/api/auth/reset-password", json=body)
    assert (response.status_code, response.json()["code"]) == (422, "invalid-or-expired-token")


# --- Roles ---------------------------------------------------------------------------------------


async def test_an_administrator_gives_and_takes_roles_at_once(api: Api) -> None:
    clerk = await api.staff(Role.AUDITOR, Role.ADMIN)
    assert (await clerk.client.get("/api/admin/users")).status_code == 200
    admin = await api.admin()
    body = {"roles": ["auditor"]}
    response = await admin.client.put(f"/api/admin/users/{clerk.id}/roles", json=body)
    assert response.json()["data"]["roles"] == ["auditor", "customer"]
    assert (await clerk.client.get("/api/admin/users")).status_code == 403


async def test_a_customer_gives_no_roles(api: Api) -> None:
    person = await api.customer()
    refused = await person.client.put(
        f"/api/admin/users/{person.id}/roles", json={"roles": ["admin"]}
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


async def test_the_last_administrator_cannot_lock_the_door_from_inside(api: Api) -> None:
    admin = await api.admin()
    refused = await admin.client.put(f"/api/admin/users/{admin.id}/roles", json={"roles": []})
    assert (refused.status_code, refused.json()["code"]) == (409, "own-role")


async def test_roles_of_nobody_are_not_found(api: Api) -> None:
    admin = await api.admin()
    for unknown in ("0" * 24, "nonsense"):
        response = await admin.client.put(f"/api/admin/users/{unknown}/roles", json={"roles": []})
        assert (response.status_code, response.json()["code"]) == (404, "not-found")


async def test_an_administrator_lists_accounts_by_role(api: Api) -> None:
    await api.customer()
    admin = await api.admin()
    response = await admin.client.get("/api/admin/users", params={"role": "admin"})
    assert [user["email"] for user in response.json()["data"]] == [ADMIN_EMAIL]
    assert response.json()["pagination"]["total"] == 1


async def test_an_account_of_nobody_is_not_found(api: Api) -> None:
    admin = await api.admin()
    assert (await admin.client.get(f"/api/admin/users/{'0' * 24}")).status_code == 404


# --- Leaving -------------------------------------------------------------------------------------


async def test_somebody_who_leaves_is_forgotten(api: Api) -> None:
    person = await api.customer("canary@example.com", mobile="9876543210", lastName="Kanarie")
    left = await person.client.request(
        "DELETE", "/api/auth/account", json={"currentPassword": PASSWORD}
    )
    assert left.status_code == 200
    assert (await person.client.get("/api/auth/me")).status_code == 401
    await api.consistency.fold()
    users = await api.services.read_models["users"].find().to_list()
    sessions = await api.services.read_models["sessions"].find().to_list()
    kept = str([users, sessions, api.store.commits, [r.event for r in await api.store.history()]])
    assert "canary" not in kept
    assert "9876543210" not in kept
    assert "Kanarie" not in kept
    admin = await api.admin()
    shown = (await admin.client.get(f"/api/admin/users/{person.id}")).json()["data"]
    assert shown["status"] == "erased"


async def test_the_address_of_somebody_forgotten_is_free(api: Api) -> None:
    person = await api.customer("canary@example.com")
    await person.client.request("DELETE", "/api/auth/account", json={"currentPassword": PASSWORD})
    again = await api.customer("canary@example.com")
    assert again.id != person.id


async def test_leaving_needs_the_password(api: Api) -> None:
    person = await api.customer()
    refused = await person.client.request(
        "DELETE", "/api/auth/account", json={"currentPassword": "guess"}
    )
    assert refused.status_code == 401
    assert "PersonalDataErased" not in await api.topics()

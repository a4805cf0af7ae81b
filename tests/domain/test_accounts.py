"""Accounts: what their owner, an administrator and the law may do to them."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.accounts import (
    Account,
    AccountRegistered,
    AllSessionsEnded,
    EmailChanged,
    MobileChanged,
    PasswordChanged,
    PasswordResetRequested,
    PersonalDataErased,
    Profile,
    ProfileChanged,
    RolesGranted,
    RolesRevoked,
    found,
)
from domain.errors import NotFound, RuleViolation
from domain.values import Role
from tests.given import OBJECT_ID, given, replayed

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
REGISTERED = AccountRegistered(
    account_id=OBJECT_ID,
    email="meera@example.com",
    mobile="+919876543210",
    first_name="Meera",
    last_name="Iyer",
    password_hash="hash-1",
    roles=(Role.CUSTOMER,),
)
NEW_PASSWORD = PasswordChanged(account_id=OBJECT_ID, password_hash="hash-2", kept_session="s1")
RESET = PasswordResetRequested(nonce="n1", expires_at=NOW + timedelta(minutes=30))
ERASED = PersonalDataErased(account_id=OBJECT_ID)


def test_a_newcomer_is_a_customer() -> None:
    given().when(
        Account.register,
        OBJECT_ID,
        email="meera@example.com",
        mobile="+919876543210",
        first_name="Meera",
        last_name="Iyer",
        password_hash="hash-1",
    ).then(REGISTERED)


def test_a_profile_is_recorded_whole() -> None:
    given(REGISTERED).when(
        Account.change_profile, Profile(first_name="Meera", favorite_categories=("Gold",))
    ).then(
        ProfileChanged(
            account_id=OBJECT_ID,
            first_name="Meera",
            last_name="",
            avatar=None,
            favorite_categories=("Gold",),
            notifications=True,
        )
    )


def test_a_profile_that_stays_as_it_is_is_no_event() -> None:
    same = Profile(first_name="Meera", last_name="Iyer")
    given(REGISTERED).when(Account.change_profile, same).then_nothing()


def test_an_email_address_changes() -> None:
    given(REGISTERED).when(Account.change_email, "m@example.org").then(
        EmailChanged(account_id=OBJECT_ID, email="m@example.org")
    )


def test_a_mobile_number_may_be_taken_away() -> None:
    given(REGISTERED).when(Account.change_mobile, None).then(
        MobileChanged(account_id=OBJECT_ID, mobile=None)
    )


def test_a_new_password_keeps_the_session_that_set_it_and_no_other() -> None:
    account = (
        given(REGISTERED)
        .when(Account.change_password, "hash-2", kept_session="s1")
        .then(NEW_PASSWORD)
    )
    assert account.accepts("s1", era=1)
    assert not account.accepts("s2", era=1)
    assert account.accepts("s3", era=account.era)


def test_the_second_new_password_ends_the_session_that_the_first_one_kept() -> None:
    later = PasswordChanged(account_id=OBJECT_ID, password_hash="hash-3", kept_session="s9")
    account = replayed(Account, [REGISTERED, NEW_PASSWORD, later])
    assert not account.accepts("s1", era=1)


def test_a_reset_link_works_in_time() -> None:
    account = replayed(Account, [REGISTERED, RESET])
    assert account.resets_with("n1", now=NOW)
    assert not account.resets_with("n1", now=NOW + timedelta(minutes=30))


def test_the_newest_reset_link_makes_older_ones_void() -> None:
    newer = PasswordResetRequested(nonce="n2", expires_at=RESET.expires_at)
    account = (
        given(REGISTERED, RESET)
        .when(Account.request_reset, nonce="n2", expires_at=RESET.expires_at)
        .then(newer)
    )
    assert not account.resets_with("n1", now=NOW)


def test_a_reset_link_works_once() -> None:
    assert not replayed(Account, [REGISTERED, RESET, NEW_PASSWORD]).resets_with("n1", now=NOW)


def test_an_administrator_grants_and_revokes_roles() -> None:
    both = (Role.CATALOG_MANAGER, Role.CUSTOMER)
    manager = RolesGranted(roles=(Role.CATALOG_MANAGER,), held=both)
    given(REGISTERED, manager).when(Account.set_roles, frozenset({Role.FINANCE})).then(
        RolesGranted(roles=(Role.FINANCE,), held=(*both, Role.FINANCE)),
        RolesRevoked(roles=(Role.CATALOG_MANAGER,), held=(Role.CUSTOMER, Role.FINANCE)),
    )


def test_nobody_stops_being_a_customer() -> None:
    given(REGISTERED).when(Account.set_roles, frozenset()).then_nothing()


def test_signing_out_everywhere_ends_the_sessions_of_this_era() -> None:
    account = given(REGISTERED).when(Account.end_all_sessions, era=1).then(AllSessionsEnded())
    assert not account.accepts("s1", era=1)


def test_an_erased_account_accepts_no_session_and_no_change() -> None:
    account = given(REGISTERED).when(Account.erase).then(ERASED)
    assert not account.accepts("s1", era=account.era)
    given(REGISTERED, ERASED).when(Account.change_mobile, None).then_raises(
        RuleViolation, code="account-erased"
    )


@pytest.mark.parametrize("account", [None, replayed(Account, [REGISTERED, ERASED])])
def test_a_missing_or_erased_account_is_not_found(account: Account | None) -> None:
    with pytest.raises(NotFound):
        found(account)

"""Sessions: a refresh token works once, its successor is always the same, a thief ends it for both."""

from datetime import UTC, datetime, timedelta

from domain.errors import Unauthenticated
from domain.sessions import (
    GRACE,
    REUSED,
    Session,
    SessionEnded,
    SessionRefreshed,
    SessionStarted,
    User,
)
from domain.values import Role
from tests.given import OBJECT_ID, given

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
STARTED = SessionStarted(
    account_id=OBJECT_ID,
    era=1,
    token_hash="first",
    device="Firefox",
    address="203.0.113.7",
    started_at=NOW,
    idle_seconds=7 * 86_400,
    expires_at=NOW + timedelta(days=28),
)
SECOND = SessionRefreshed(token_hash="second", refreshed_at=NOW)
THIRD = SessionRefreshed(token_hash="third", refreshed_at=NOW)
ENDED = SessionEnded(reason="signed-out")


def test_a_sign_in_begins_a_session() -> None:
    given().when(
        Session.begin,
        OBJECT_ID,
        account_id=OBJECT_ID,
        era=1,
        token_hash="first",
        device="Firefox",
        address="203.0.113.7",
        now=NOW,
        idle=timedelta(days=7),
        longest=timedelta(days=28),
    ).then(STARTED)


def test_a_refresh_token_is_spent_for_its_successor() -> None:
    given(STARTED).when(Session.refresh, presented="first", successor="second", now=NOW).then(
        SECOND
    )


def test_a_client_whose_answer_was_lost_gets_the_same_successor() -> None:
    given(STARTED, SECOND).when(
        Session.refresh, presented="first", successor="second", now=NOW + GRACE
    ).then_nothing()


def test_a_spent_token_that_comes_late_ends_the_session() -> None:
    late = NOW + GRACE + timedelta(seconds=1)
    given(STARTED, SECOND).when(
        Session.refresh, presented="first", successor="second", now=late
    ).then_once(SessionEnded(reason=REUSED))


def test_a_token_before_the_last_ends_the_session_at_once() -> None:
    given(STARTED, SECOND, THIRD).when(
        Session.refresh, presented="first", successor="second", now=NOW
    ).then_once(SessionEnded(reason=REUSED))


def test_a_token_that_was_never_ours_changes_nothing() -> None:
    given(STARTED).when(Session.refresh, presented="forged", successor="x", now=NOW).then_raises(
        Unauthenticated, code="invalid-token"
    )


def test_a_session_that_ended_is_not_refreshed() -> None:
    given(STARTED, ENDED).when(
        Session.refresh, presented="first", successor="second", now=NOW
    ).then_raises(Unauthenticated, code="session-ended")


def test_an_idle_session_ends() -> None:
    given(STARTED).when(
        Session.refresh, presented="first", successor="second", now=NOW + timedelta(days=7)
    ).then_raises(Unauthenticated, code="session-ended")


def test_signing_out_ends_a_session_once() -> None:
    given(STARTED).when(Session.end, reason="signed-out").then(ENDED)


def test_an_administrator_has_every_role() -> None:
    assert User("u", frozenset({Role.ADMIN}), "s").has(Role.FINANCE)
    assert not User("u", frozenset({Role.CUSTOMER}), "s").has(Role.FINANCE)

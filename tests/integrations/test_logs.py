"""Logs hold nothing personal."""

import json
import logging

import pytest
import structlog

from integrations.logs import configure_logs, passes_luhn, scrubbed


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("paid with 4111 1111 1111 1111 today", "paid with [card] today"),
        ("card 4111-1111-1111-1111.", "card [card]."),
        ("order 4111111111111112 is no card", "order 4111111111111112 is no card"),
        ("mail meera.iyer+x@example.co.in now", "mail [email] now"),
        ("call +919876543210", "call [mobile]"),
        ("Bearer eyJhbGciOi.eyJzdWIi.c2ln", "Bearer [token]"),
        ("65f000000000000000000001", "65f000000000000000000001"),
    ],
)
def test_what_is_personal_is_taken_out(text: str, kept: str) -> None:
    assert scrubbed(text) == kept


def test_it_is_taken_out_of_what_is_nested() -> None:
    assert scrubbed({"a": ["m@example.com", 7]}) == {"a": ["[email]", 7]}


def test_the_check_digit_of_a_card() -> None:
    assert passes_luhn("79927398713")
    assert not passes_luhn("79927398710")


def test_every_line_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        configure_logs("INFO")
        structlog.get_logger().info("hello\nm@example.com", who="m@example.com")
        logging.getLogger("some.library").warning("m@example.com")
        logging.getLogger("some.library").debug("quiet")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["hello\n[email]", "[email]"]
    assert lines[0]["who"] == "[email]"

"""Passwords: long enough, and not what everybody tries first."""

import pytest

from domain.errors import Invalid
from domain.passwords import checked_password


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("seven77", "password-too-short"),
        ("x" * 129, "password-too-long"),
        ("nul\0character", "password-invalid"),
        ("Password1!", "password-too-common"),
        ("kundan2026", "password-too-common"),
        ("12345678", "password-too-common"),
        ("87654321", "password-too-common"),
        ("qwertyui1", "password-too-common"),
        ("aaaaaaaab", "password-too-common"),
        ("2026-11-23", "password-too-common"),
        ("meera.iyer1", "password-about-you"),
    ],
)
def test_a_guessable_password_is_refused(password: str, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        checked_password(password, field="password", about=("meera.iyer", "Iyer"))
    assert [(e.field, e.code) for e in refusal.value.errors] == [("password", code)]


@pytest.mark.parametrize(
    "password", ["correct horse battery", "पासवर्ड नहीं बताऊँगी", "T7!kd0wq", "meera likes old maps"]
)
def test_a_password_of_any_script_and_form_will_do(password: str) -> None:
    assert checked_password(password, field="password", about=("Meera",)) == password

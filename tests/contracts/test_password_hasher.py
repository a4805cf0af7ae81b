"""One contract for everything that hashes passwords."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import Unavailable
from domain.ports.people import PasswordHasher
from integrations.security import MAX_WAITING, BcryptHasher
from tests.fakes import PlainHasher


@pytest.fixture(scope="module")
def bcrypt() -> Iterator[BcryptHasher]:
    hasher = BcryptHasher(rounds=4)
    yield hasher
    hasher.close()


@pytest.fixture(params=["fake", "bcrypt"])
def hasher(request: pytest.FixtureRequest, bcrypt: BcryptHasher) -> PasswordHasher:
    return PlainHasher() if request.param == "fake" else bcrypt


async def test_the_password_fits_and_no_other_does(hasher: PasswordHasher) -> None:
    hashed = await hasher.hash("three old maps")
    assert await hasher.verify("three old maps", hashed)
    assert not await hasher.verify("three old map", hashed)


async def test_nothing_fits_where_there_is_no_hash(hasher: PasswordHasher) -> None:
    assert not await hasher.verify("three old maps", None)


async def test_the_two_kinds_of_nobody_take_the_same_way(bcrypt: BcryptHasher) -> None:
    """An erased account has an empty hash, an unknown one has none."""
    assert not await bcrypt.verify("anything", "")
    assert not await bcrypt.verify("anything", None)


async def test_no_byte_of_a_long_password_is_cut_off(bcrypt: BcryptHasher) -> None:
    hashed = await bcrypt.hash("x" * 100 + "a")
    assert await bcrypt.verify("x" * 100 + "a", hashed)
    assert not await bcrypt.verify("x" * 100 + "b", hashed)


async def test_the_same_password_never_gives_the_same_hash(bcrypt: BcryptHasher) -> None:
    assert await bcrypt.hash("three old maps") != await bcrypt.hash("three old maps")
    assert (await bcrypt.hash("x")).startswith("$bcrypt-sha256$")


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    password=st.text(
        st.characters(blacklist_characters="\0", codec="utf-8"), min_size=8, max_size=128
    )
)
async def test_a_password_of_any_script_comes_round(bcrypt: BcryptHasher, password: str) -> None:
    assert await bcrypt.verify(password, await bcrypt.hash(password))


async def test_a_nul_or_a_novel_is_no_password(bcrypt: BcryptHasher) -> None:
    hashed = await bcrypt.hash("three old maps")
    assert not await bcrypt.verify("three\0old maps", hashed)
    assert not await bcrypt.verify("x" * 10_000, hashed)


async def test_a_queue_without_end_is_refused(bcrypt: BcryptHasher) -> None:
    bcrypt._waiting = MAX_WAITING
    try:
        with pytest.raises(Unavailable):
            await bcrypt.hash("three old maps")
    finally:
        bcrypt._waiting = 0

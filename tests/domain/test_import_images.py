"""Addresses of pictures."""

import pytest

from domain.import_rules import CellRefused, parse_images


@pytest.mark.parametrize(
    ("written", "addresses"),
    [
        ("https://example.com/ring.jpg", ("https://example.com/ring.jpg",)),
        ("http://example.com:8080/a.jpg?x=1", ("http://example.com:8080/a.jpg?x=1",)),
        ("HTTPS://EXAMPLE.COM/a.jpg", ("HTTPS://EXAMPLE.COM/a.jpg",)),
        ("https://[2001:db8::1]/a.jpg", ("https://[2001:db8::1]/a.jpg",)),
        ("/media/rings/a.jpg", ("/media/rings/a.jpg",)),
        (" https://a.in/1 | https://a.in/2 |", ("https://a.in/1", "https://a.in/2")),
        ("https://a.in/1|https://a.in/1", ("https://a.in/1",)),
    ],
)
def test_addresses_are_taken_in_order_and_once(written: str, addresses: tuple[str, ...]) -> None:
    assert parse_images(written) == addresses


def test_a_product_may_have_twenty_pictures() -> None:
    assert len(parse_images("|".join(f"https://a.in/{i}" for i in range(20)))) == 20


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("", "image-missing"),
        (" | ", "image-missing"),
        ("ring.jpg", "image-scheme"),
        ("javascript:alert(1)", "image-scheme"),
        ("data:image/png;base64,AA==", "image-scheme"),
        ("ftp://example.com/a.jpg", "image-scheme"),
        ("file:///etc/passwd", "image-scheme"),
        ("//example.com/a.jpg", "image-path"),
        ("/etc/passwd", "image-path"),
        ("/media/../secret", "image-path"),
        ("/media/%2e%2e/secret", "image-path"),
        ("/media/", "image-path"),
        ("https://user:pass@example.com/a.jpg", "image-userinfo"),
        ("https://example.com@evil.test/", "image-userinfo"),
        ("https://", "image-url"),
        ("https:///a.jpg", "image-url"),
        ("https://example.com:99999/a.jpg", "image-url"),
        ("https://[broken/a.jpg", "image-url"),
        ("https://ex ample.com/a.jpg", "image-url"),
        ("https://example.com\\@evil.test/", "image-url"),
        ("https://example.com/\x00", "image-url"),
        ("https://example.com/" + "a" * 2_048, "image-url"),
        ("|".join(f"https://a.in/{i}" for i in range(21)), "image-too-many"),
    ],
)
def test_an_address_that_could_lead_elsewhere_is_refused(written: str, code: str) -> None:
    with pytest.raises(CellRefused) as refused:
        parse_images(written)
    assert refused.value.code == code

"""An address that a stranger wrote makes us speak to nobody but a public host, at its usual port."""

from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from domain.errors import Invalid, Unavailable
from integrations.pictures import PictureFetcher, addresses
from integrations.pictures.addresses import is_public, must_be_reachable, target_of
from tests.picture_host import PictureHost

LOOPBACK = (ip_network("127.0.0.0/8"),)

LOOPBACK_IN_DISGUISE = (
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.0.0.1.",
    "127.000.000.001",
    "0177.0.0.1",
    "0x7f.0.0.1",
    "0x7f000001",
    "0X7F000001",
    "2130706433",
    "017700000001",
    "127.127.127.127",
    "0",
    "0.0.0.0",
    "0x0",
    "１２７.0.0.1",  # noqa: RUF001 - full-width digits are the point
    "127。0。0。1",
    "①②⑦.0.0.1",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[fe80::1]",
    "[fe80::1%25eth0]",
    "[fc00::1]",
    "[fec0::1]",
    "[ff02::1]",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "localhost.localdomain",
    "loopback.example",
    "ｌｏｃａｌｈｏｓｔ",  # noqa: RUF001
    "metadata.google.internal",
    "127.0.0.1.nip.example",
    "mongodb",
)
"""Hosts. The resolver of these tests says loopback for every name."""

ELSEWHERE_INSIDE = (
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "192.0.0.192",
    "168.63.129.16",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "192.88.99.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "[fd00:ec2::254]",
    "[2001:db8::1]",
    "[3fff::1]",
    "[100::1]",
    "[::ffff:10.0.0.1]",
    "[::ffff:169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:a9fe:a9fe::]",
    "[5f00::1]",
    "[4000::1]",
)

CROOKED = (
    "",
    "https://",
    "https:///a.png",
    "//127.0.0.1/a.png",
    "/media/demo/a.png",
    "file:///etc/passwd",
    "ftp://shop.example/a.png",
    "gopher://shop.example:11211/_stats",
    "dict://shop.example:6379/info",
    "data:image/png;base64,AAAA",
    "javascript:alert(1)",
    "https://meera@shop.example/a.png",
    "https://meera:secret@shop.example/a.png",
    "https://shop.example@127.0.0.1/a.png",
    "https://shop.example%40127.0.0.1/a.png",
    "https://shop.example\\@127.0.0.1/a.png",
    "https://127.0.0.1\\.shop.example/a.png",
    "https://shop.example /a.png",
    "https://shop.example\t/a.png",
    "https://shop.example\r\nHost: 127.0.0.1/a.png",
    "https://shop.example/a.png\r\nX-Mine: 1",
    "https://shop.example:0/a.png",
    "https://shop.example:22/a.png",
    "https://shop.example:27017/a.png",
    "https://shop.example:99999/a.png",
    "https://shop.example:-1/a.png",
    "https://shop.example:443:80/a.png",
    "https://shop.example:4 43/a.png",
    "https://[127.0.0.1]/a.png",
    "https://[::1/a.png",
    "https://::1/a.png",
    "https://shop..example/a.png",
    "https://.shop.example/a.png",
    "https://-shop.example/a.png",
    "https://sh%6fp.example/a.png",
    "https://" + "a" * 64 + ".example/a.png",
    "https://" + "a." * 130 + "example/a.png",
    "https://shop.example/" + "a" * 2_100,
    "http://shop.example/a.png",
    "HTTP://shop.example/a.png",
)


def to_loopback(host: str, port: int) -> list[str]:
    del host, port
    return ["127.0.0.1"]


@pytest.fixture
async def listener(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PictureHost]:
    """Its port is the usual one in these tests, so that nothing but the address protects it."""
    async with PictureHost(b"picture") as host:
        monkeypatch.setitem(addresses.PORTS, "https", host.port)
        monkeypatch.setitem(addresses.PORTS, "http", host.port)
        yield host


@pytest.fixture
async def fetcher() -> AsyncIterator[PictureFetcher]:
    made = PictureFetcher(
        user_agent="Kundan",
        max_bytes=1_000,
        plain_http=("http",),
        resolve=to_loopback,
        seconds=5,
    )
    yield made
    await made.close()


def test_the_table_is_long_enough() -> None:
    assert len({*LOOPBACK_IN_DISGUISE, *ELSEWHERE_INSIDE, *CROOKED}) >= 100


async def test_the_listener_hears_who_may_come(listener: PictureHost) -> None:
    """Without this the tests below could not fail."""
    allowed = PictureFetcher(user_agent="Kundan", max_bytes=1_000, allowed_networks=LOOPBACK)
    assert await allowed.fetch("http://127.0.0.1/necklace.png") == b"picture"
    assert listener.connections == 1
    await allowed.close()


@pytest.mark.parametrize("host", [*LOOPBACK_IN_DISGUISE, *ELSEWHERE_INSIDE])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_host_that_is_not_public_hears_nothing(
    listener: PictureHost, fetcher: PictureFetcher, scheme: str, host: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        await fetcher.fetch(f"{scheme}://{host}/necklace.png")
    assert refusal.value.code == "picture-address-refused"
    assert listener.connections == 0


@pytest.mark.parametrize("url", CROOKED)
async def test_a_crooked_address_is_refused(url: str) -> None:
    """By a fetcher as the shop has it; every name is a public one, and is never asked."""
    usual = PictureFetcher(
        user_agent="Kundan", max_bytes=1_000, resolve=lambda *_: ["93.184.216.34"], seconds=1
    )
    with pytest.raises(Invalid) as refusal:
        await usual.fetch(url)
    assert refusal.value.code == "picture-address-refused"
    await usual.close()


@pytest.mark.parametrize(
    "found",
    [
        ["93.184.216.34", "127.0.0.1"],
        ["127.0.0.1", "93.184.216.34"],
        ["2606:2800:220:1::1", "::1"],
        ["93.184.216.34", "::ffff:127.0.0.1"],
        ["fe80::1%eth0"],
        [],
    ],
)
async def test_one_private_address_spoils_all(listener: PictureHost, found: list[str]) -> None:
    mixed = PictureFetcher(
        user_agent="Kundan", max_bytes=1_000, plain_http=("http",), resolve=lambda *_: found
    )
    with pytest.raises(Invalid, match="public internet"):
        await mixed.fetch("http://shop.example/necklace.png")
    assert listener.connections == 0
    await mixed.close()


class Rebinding:
    """A name server that first says one address, and the next time another."""

    def __init__(self, *answers: str) -> None:
        self._answers: Iterator[str] = iter(answers)
        self.asked = 0

    def __call__(self, host: str, port: int) -> list[str]:
        del host, port
        self.asked += 1
        return [next(self._answers)]


async def test_a_name_is_resolved_once_and_its_answer_kept(listener: PictureHost) -> None:
    """First 127.0.0.2, which may be fetched, then 127.0.0.1, which may not: there is no then."""
    rebinding = Rebinding("127.0.0.2", "127.0.0.1")
    only = (ip_network("127.0.0.2/32"),)
    fetcher = PictureFetcher(
        user_agent="Kundan", max_bytes=1_000, allowed_networks=only, resolve=rebinding, seconds=5
    )
    with pytest.raises(Unavailable):  # nobody listens at 127.0.0.2
        await fetcher.fetch(f"http://rebinding.example:{listener.port}/necklace.png")
    assert (rebinding.asked, listener.connections) == (1, 0)
    with pytest.raises(Invalid):
        await fetcher.fetch(f"http://rebinding.example:{listener.port}/necklace.png")
    assert listener.connections == 0
    await fetcher.close()


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.2/necklace.png",
        "http://localhost/necklace.png",
        "http://169.254.169.254/latest/meta-data/",
        "//[::1]/necklace.png",
        "file:///etc/passwd",
        "http://meera@127.0.0.1/necklace.png",
    ],
)
async def test_a_redirect_is_judged_like_any_address(location: str) -> None:
    only = (ip_network("127.0.0.1/32"),)
    fetcher = PictureFetcher(
        user_agent="Kundan",
        max_bytes=1_000,
        allowed_networks=only,
        resolve=lambda *_: ["127.0.0.2"],
    )
    async with PictureHost(b"picture") as host:
        host.redirects["/moved"] = location
        with pytest.raises(Invalid) as refusal:
            await fetcher.fetch(host.url("/moved"))
    assert refusal.value.code == "picture-address-refused"
    assert host.connections == 1
    await fetcher.close()


@pytest.mark.parametrize(
    "text",
    ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450:4009::200e", "64:ff9b::808:808",
     "::ffff:8.8.8.8"],
)  # fmt: skip
def test_public_addresses_are_public(text: str) -> None:
    address = ip_address(text)
    assert is_public(address)
    target = target_of("https://shop.example/a.png")
    must_be_reachable(target, [address], allowed_networks=(), schemes=("https",))


def test_an_allowed_network_allows_itself_and_no_other() -> None:
    target = target_of("http://archive.example:8080/a.png")
    inside, outside = ip_address("10.20.0.7"), ip_address("10.30.0.7")
    allowed: dict[str, Any] = {
        "allowed_networks": (ip_network("10.20.0.0/16"),),
        "schemes": ("https", "http"),
    }
    must_be_reachable(target, [inside], **allowed)
    for found in ([outside], [inside, outside], [ip_address("93.184.216.34")], []):
        with pytest.raises(Invalid):
            must_be_reachable(target, found, **allowed)


def test_an_address_is_taken_apart_once() -> None:
    target = target_of("https://गहने.example:8443/हार.png?size=large#top")
    assert target.host == "xn--31b8awczc.example"
    assert target.host_header == "xn--31b8awczc.example:8443"
    assert target.path == "/%E0%A4%B9%E0%A4%BE%E0%A4%B0.png?size=large"
    assert target_of("https://[2606:4700::1111]").host_header == "[2606:4700::1111]"
    assert target_of("http://shop.example?a=b").path == "/?a=b"

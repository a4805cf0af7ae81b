"""Which addresses may be fetched: by what the URL says, and by where its host really lies.

A URL is taken apart once, here; the request is made of these parts and the connection goes to an address
that was judged, so no second reading and no second resolution can mean another place.
"""

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TypeAlias
from urllib.parse import SplitResult, quote, urlsplit

from domain.errors import Invalid

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

MAX_URL_CHARS = 2_048
PORTS = {"https": 443, "http": 80}
FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\<>\"`{}|^]")
NAME = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
"""The last label begins with a letter: `0x7f.1`, `0177.0.0.1` and `2130706433` are no names."""

NOT_PUBLIC = tuple(
    ip_network(text)
    for text in (
        "192.0.0.0/24",  # protocol assignments; a cloud's metadata lies in it
        "192.88.99.0/24",  # relays of 6to4, withdrawn by RFC 7526
        "168.63.129.16/32",  # Azure's own services, behind a public number
        "2001::/23",  # protocol assignments, Teredo among them
        "2002::/16",  # 6to4: carries any IPv4 address
        "3fff::/20",  # documentation, RFC 9637
    )
)
"""What Python's `is_global` lets pass, or lets pass in some of its versions."""
GLOBAL_UNICAST = IPv6Network("2000::/3")
NAT64 = IPv6Network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are the IPv4 address that is meant."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """The parts of a URL that a request is made of. host: ASCII, without brackets."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def literal(self) -> Address | None:
        """The address, where the host is one."""
        try:
            return ip_address(self.host)
        except ValueError:
            return None

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def refused(reason: str) -> Invalid:
    return Invalid(f"the picture's address is refused: {reason}", code="picture-address-refused")


def target_of(url: str) -> Target:
    """Raise Invalid `picture-address-refused` for anything but a plain http or https URL."""
    if len(url) > MAX_URL_CHARS or FORBIDDEN.search(url):
        raise refused("it is no URL")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as e:
        raise refused("it is no URL") from e
    if parts.scheme not in PORTS:
        raise refused("it must begin with https://")
    if "@" in parts.netloc:
        raise refused("it must not carry a user name")
    default = PORTS[parts.scheme]
    return Target(
        scheme=parts.scheme,
        host=_host(parts.hostname or ""),
        port=default if port is None else port,
        path=_path(parts),
    )


def _host(host: str) -> str:
    """A name in ASCII (RFC 3490), or an address as it is usually written."""
    with contextlib.suppress(ValueError):
        return str(ip_address("no zones" if "%" in host else host))
    try:
        name = host.encode("idna").decode().lower()
    except UnicodeError as e:
        raise refused("its host is no name") from e
    if not NAME.fullmatch(name):
        raise refused("its host is no name")
    return name


def _path(parts: SplitResult) -> str:
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
    query = quote(parts.query, safe="/%:@!$&'()*+,;=~?")
    return f"{path}?{query}" if query else path


def must_be_reachable(
    target: Target,
    addresses: Sequence[Address],
    *,
    allowed_networks: Sequence[Network],
    schemes: Sequence[str],
) -> None:
    """Every address must be public, the scheme one of these and its port the usual one; or every address
    lies in a network that the operator named, where plain http and any port are theirs to choose.
    """
    if addresses and all(_is_in(address, allowed_networks) for address in addresses):
        return
    if target.scheme not in schemes:
        raise refused("it must begin with https://")
    if target.port != PORTS[target.scheme]:
        raise refused(f"only port {PORTS[target.scheme]} is fetched from")
    if not addresses or not all(map(is_public, addresses)):
        raise refused("its host is not on the public internet")


def is_public(address: Address) -> bool:
    """Whether anybody may reach it: also behind the IPv6 forms of IPv4 addresses."""
    if isinstance(address, IPv6Address):
        if (inner := _inner(address)) is not None:
            return is_public(inner)
        if address not in GLOBAL_UNICAST:
            return False
    special = address.is_multicast or address.is_reserved or _is_in(address, NOT_PUBLIC)
    return address.is_global and not special


def _inner(address: IPv6Address) -> IPv4Address | None:
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)

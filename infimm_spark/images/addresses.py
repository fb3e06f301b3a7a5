"""Which machines may be asked: public addresses only, whatever a name resolves to.

A page can name any address, those of a cluster's own services included (169.254.169.254 hands out
credentials). So a name is resolved here, every address is checked, and the connection is made to
the address that was checked; a name that resolves to something else a moment later changes nothing.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Sequence

from infimm_spark.errors import ImageRefusedError

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(text: str, allowed: Sequence[str] = ()) -> bool:
    """Whether an IP address is on the public network, or in one of the `allowed` networks.

    Loopback, private, link-local, multicast and reserved addresses are not, nor are they when they
    are written as IPv6 (`::ffff:10.0.0.1`, 6to4, Teredo, NAT64).
    """
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if any(address in ipaddress.ip_network(network) for network in allowed):
        return True
    return all(one.is_global and not one.is_multicast for one in (address, *_embedded(address)))


def _embedded(address: _Address) -> list[_Address]:
    """IPv4 addresses that an IPv6 address stands for."""
    if address.version == 4:
        return []
    found: list[_Address] = []
    if address.ipv4_mapped is not None:
        found.append(address.ipv4_mapped)
    if address.sixtofour is not None:
        found.append(address.sixtofour)
    if address.teredo is not None:
        found += address.teredo
    if address in _NAT64:
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return found


def connect(
    host: str, port: int, seconds: float, deadline: float, allowed: Sequence[str] = ()
) -> socket.socket:
    """A connection to `host`, made within `seconds` and before the `deadline` (monotonic).

    Raises `ImageRefusedError` (`private_address`, `unreachable`, `timeout`).
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        said = getattr(error, "strerror", None) or "no valid name"
        raise ImageRefusedError("unreachable", f"{host} does not resolve: {said}") from None
    places = [(family, place) for family, _, _, _, place in found]
    public = [(family, place) for family, place in places if is_public(str(place[0]), allowed)]
    if not public:
        first = places[0][1][0] if places else "nothing"
        raise ImageRefusedError("private_address", f"{host} resolves to {first}")
    failure = "no address"
    for family, place in public:
        left = min(seconds, deadline - time.monotonic())
        if left <= 0:
            break
        opened = socket.socket(family, socket.SOCK_STREAM)
        try:
            opened.settimeout(left)
            opened.connect(place)
        except OSError as error:
            opened.close()
            if isinstance(error, TimeoutError):
                raise ImageRefusedError("timeout", f"{host} does not answer") from None
            failure = error.strerror or str(error)
            continue
        return opened
    raise ImageRefusedError("unreachable", f"{host}: {failure}")

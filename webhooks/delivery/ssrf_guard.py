"""Refuses webhook URLs that lead into the gateway's own network, however the address is written.

A partner's URL makes our machines send a request. The guard checks each address directly before the connection, after
name resolution, on every attempt. So neither a spelling (`http://2130706433/`, `0177.0.0.1`, `[::ffff:10.0.0.1]`) nor
a name that resolves differently each time gets past it.
"""

import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, Final

Address = IPv4Address | IPv6Address
GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
NAT64: Final = IPv6Network("64:ff9b::/96")
# Public according to the registries, but internal in practice: protocol assignments, and Azure's host agent.
INTERNAL: Final = (IPv4Network("192.0.0.0/24"), IPv4Network("168.63.129.16/32"))


class Forbidden(Exception):
    """The name resolves to an address outside the public internet."""


def resolve(host: str, port: int, *, allow_private: bool) -> list[tuple[socket.AddressFamily, Any]]:
    """Address families and socket addresses, in the resolver's order.

    Raises Forbidden if any address is not public: no honest name has public and private addresses. Raises OSError if
    there is no address.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    refused = [] if allow_private else [where[0] for *_, where in found if not is_public(str(where[0]))]
    if refused:
        raise Forbidden(f"{refused[0]} is not a public address.")
    return [(family, where) for family, *_, where in found]


def is_public(address: str) -> bool:
    """Whether the address, and each address embedded in it, belongs to the public internet."""
    return all(_is_public(one) for one in _within(ip_address(address)))


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address):
        return address.is_global and address in GLOBAL_UNICAST
    return address.is_global and not address.is_multicast and not any(address in network for network in INTERNAL)


def _within(address: Address) -> Iterator[Address]:
    """The address, or the address that it wraps (IPv4-mapped, NAT64); also the far end of a 6to4 tunnel."""
    if isinstance(address, IPv4Address):
        yield address
    elif address.ipv4_mapped:
        yield address.ipv4_mapped
    elif address in NAT64:
        yield IPv4Address(int(address) & 0xFFFFFFFF)
    else:
        yield address
        if address.sixtofour:
            yield address.sixtofour

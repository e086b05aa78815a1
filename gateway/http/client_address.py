"""The network address that a request came from."""

from collections.abc import Mapping
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any

from django.conf import settings


def remote_network(meta: Mapping[str, Any]) -> str:
    """The caller's network, or the proxy's if the caller's is unknown; "" if both are unknown."""
    return client_network(meta) or _network(meta.get("REMOTE_ADDR", ""))


def client_network(meta: Mapping[str, Any]) -> str:
    """The IPv4 address, or the /64 of an IPv6 address, which one caller usually has; "" if unknown.

    Behind PROXIES_IN_FRONT proxies, the address that the outermost proxy saw; callers cannot forge it.
    """
    count = settings.PROXIES_IN_FRONT
    if count == 0:
        return _network(meta.get("REMOTE_ADDR", ""))
    hops = [hop.strip() for hop in meta.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    return _network(hops[-count]) if count <= len(hops) else ""


def _network(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address) >> 64 << 64, 64)))

"""The route of a request: the pattern of its path. The path itself may contain a transactionId, which grants access."""

from typing import Final

from django.conf import settings
from django.http import HttpRequest

UNMATCHED: Final = "(no route)"


def route_of(request: HttpRequest) -> str:
    """The pattern of the path, STATIC_URL for static files, or UNMATCHED."""
    match = request.resolver_match
    if match is not None:
        return str(match.route)
    return settings.STATIC_URL if request.path_info.startswith(settings.STATIC_URL) else UNMATCHED


def gateway_in(request: HttpRequest) -> str:
    """The gateway's name in the path; empty if the route has none."""
    return str(request.resolver_match.kwargs.get("gateway", "")) if request.resolver_match else ""

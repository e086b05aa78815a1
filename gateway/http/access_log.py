"""Writes a log line and counts a metric for each request, by route."""

import logging
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from gateway.telemetry import logs, metrics
from gateway.telemetry.route_names import gateway_in, route_of

# Machines request these every few seconds; they are logged only if the response is an error.
PROBES: Final = frozenset({"healthz", "readyz", "metrics"})
log = logging.getLogger("gateway.access")


class Access:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = perf_counter()
        with logs.about():
            response = self.get_response(request)
            _log_request(request, response, perf_counter() - began)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> None:
        """Adds the gateway's name to all log records of this request from here on."""
        if name := gateway_in(request):
            logs.note(gateway=name)


def _log_request(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    route, method, status = route_of(request), request.method or "", response.status_code
    metrics.requested(route=route, method=method, status=status, seconds=seconds)
    level = logging.DEBUG if route in PROBES and status < 400 else logging.INFO
    if not log.isEnabledFor(level):
        return
    milliseconds, size = round(seconds * 1000, 1), None if response.streaming else len(response.content)
    fields = {"method": method, "route": route, "status": status, "durationMs": milliseconds, "bytes": size}
    about = gateway_in(request) or "-"
    log.log(level, "%s %s %d %s ms %s B %s", method, route, status, milliseconds, size, about, extra=fields)

"""Serves the metrics of all processes of this machine to scrapers that may read them."""

import hmac
import logging
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.conf import settings
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from gateway.telemetry.metric_files import directory

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
log = logging.getLogger(__name__)


def exposition(*more: Collector) -> bytes:
    """In Prometheus's text format, version 0.0.4."""
    registry = CollectorRegistry()
    directory().mkdir(parents=True, exist_ok=True)
    MultiProcessCollector(registry, path=str(directory()))  # type: ignore[no-untyped-call]
    for collector in more:
        registry.register(collector)
    return generate_latest(registry)


def admission(authorization: str) -> int:
    """200, 401, or 404 if metrics are off: in production without METRICS_TOKEN."""
    if not settings.METRICS_TOKEN:
        return 200 if settings.EMBEDDED else 404
    wanted = f"Bearer {settings.METRICS_TOKEN}"
    return 200 if hmac.compare_digest(authorization.encode(), wanted.encode()) else 401


def serve(port: int) -> WSGIServer | None:
    """Serves from a thread, for a worker on a machine without web; 0 is off. If the port is taken it logs an error."""
    if not port:
        return None
    try:
        server = make_server("", port, _answer, server_class=_Server, handler_class=_Silent)
    except OSError as error:
        log.error("No metrics on port %d: %s", port, error)
        return None
    Thread(target=server.serve_forever, daemon=True, name="metrics").start()
    return server


def _answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    admitted = admission(environ.get("HTTP_AUTHORIZATION", ""))
    if environ["PATH_INFO"] != "/metrics" or admitted == 404:
        start_response("404 Not Found", [])
        return []
    if admitted == 401:
        start_response("401 Unauthorized", [("WWW-Authenticate", "Bearer")])
        return []
    start_response("200 OK", [("Content-Type", CONTENT_TYPE)])
    return [exposition()]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Silent(WSGIRequestHandler):
    timeout = 10  # seconds, for a client that sends nothing

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base's
        """Scrapes are not logged."""

"""Endpoints for operators: liveness, readiness and metrics."""

from collections.abc import Callable
from functools import wraps
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from gateway.http.envelope import done, refused
from gateway.http.middleware import unavailable
from gateway.monitoring import exporter, readiness
from gateway.monitoring.metrics_collector import LookedUp
from gateway.values.errors import ErrorType

View = Callable[[HttpRequest], HttpResponse]
READING: Final = ("GET", "HEAD")


def for_reading(view: View) -> View:
    @wraps(view)
    def checked(request: HttpRequest) -> HttpResponse:
        if request.method in READING:
            return view(request)
        response = refused(405, ErrorType.METHOD_NOT_ALLOWED, f'Method "{request.method}" not allowed.')
        response["Allow"] = ", ".join(READING)
        return response

    return csrf_exempt(checked)  # otherwise a POST would get 403 for a missing cookie instead of 405


@for_reading
def healthz(request: HttpRequest) -> HttpResponse:
    """Shows that the process answers; checks nothing else."""
    return JsonResponse(done({"alive": True}))


@for_reading
def readyz(request: HttpRequest) -> HttpResponse:
    """200, or 503 with a sentence for each problem."""
    if problems := readiness.problems():
        return unavailable(*problems)
    return JsonResponse(done({"ready": True}))


@for_reading
def demo(request: HttpRequest) -> HttpResponse:
    """Redirects to the demo site, at the requested host name if that is the demo site's: origins differ by partner."""
    host = urlsplit(f"//{request.get_host()}").hostname
    origins = sorted(settings.DEMO_ORIGINS, key=lambda origin: urlsplit(origin).hostname != host)
    if not origins:
        return refused(404, ErrorType.NOT_FOUND, "There is no demo site here.")
    return HttpResponseRedirect(f"{origins[0]}/")


@for_reading
def metrics(request: HttpRequest) -> HttpResponse:
    """Counts of this machine's processes, and gauges of pending work, in Prometheus's text format."""
    admitted = exporter.admission(request.headers.get("Authorization", ""))
    if admitted == 404:
        return refused(404, ErrorType.NOT_FOUND, "There is nothing at this path.")
    if admitted == 401:
        response = refused(401, ErrorType.INVALID_SECRET, "Authorization must be `Bearer <METRICS_TOKEN>`.")
        response["WWW-Authenticate"] = "Bearer"
        return response
    return HttpResponse(exporter.exposition(LookedUp()), content_type=exporter.CONTENT_TYPE)

"""The console's times are IST. Everything else, storage and the APIs included, is UTC."""

from collections.abc import Callable
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from gateway.values.timestamps import IST


def shown(moment: datetime) -> str:
    """`2026-11-20 11:00:00 IST`."""
    return f"{moment.astimezone(IST):%Y-%m-%d %H:%M:%S} IST"


class IndianTime:
    """Middleware: dates of the console's pages are shown, read and grouped by day in IST."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith("/admin/"):
            return self.get_response(request)
        with timezone.override(IST):
            return self.get_response(request)

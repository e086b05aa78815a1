"""The middleware for pages, which requests to the APIs skip.

A partner's server sends credentials with every request, and JSON. It needs no session, form or messages, whose
middleware would take longer than parsing the JSON (docs/performance.md).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

# Every view under these prefixes is a gateway.api.base_view.BaseView: exempt from CSRF, with its own authentication.
API_PREFIXES: Final = ("/gateway/", "/v1/", "/sandbox/")


class BrowserMiddlewareStack:
    """Runs MIDDLEWARE_FOR_PEOPLE, in order; supports only the hooks that those classes have."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._with_browser_middleware: Callable[[HttpRequest], Any] = get_response
        self._before_views: list[Callable[..., HttpResponse | None]] = []
        for name in reversed(settings.MIDDLEWARE_FOR_PEOPLE):
            one = import_string(name)(self._with_browser_middleware)
            self._with_browser_middleware = convert_exception_to_response(one)
            if hasattr(one, "process_view"):
                self._before_views.insert(0, one.process_view)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response if request.path_info.startswith(API_PREFIXES) else self._with_browser_middleware
        return answer(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> HttpResponse | None:
        if request.path_info.startswith(API_PREFIXES):
            return None
        responses = (before(request, view, args, kwargs) for before in self._before_views)
        return next((response for response in responses if response), None)

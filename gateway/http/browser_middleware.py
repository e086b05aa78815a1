"""The middleware of browser pages, which requests to the APIs skip.

A partner's server sends its credentials and JSON with every request. It has no session, no form and no messages. In
MIDDLEWARE these nine cost a GET of a transaction's details 20 to 30 % more CPU (1,100 against 1,350 µs), and 13 % if
the four of sessions, logins and messages skip by path. One middleware that skips all nine costs nothing measurable.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

# Every view under these prefixes is a gateway.api.base_view.BaseView: exempt from CSRF, with its own authentication.
API_PREFIXES: Final = ("/gateway/", "/v1/", "/sandbox/")


class BrowserMiddlewareStack:
    """Calls BROWSER_MIDDLEWARE in its order, with the two hooks that they have: `__call__` and `process_view`.

    An exception that one of them raises passes the others by; Django turns it into a response around this one.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._with_browser_middleware: Callable[[HttpRequest], Any] = get_response
        self._before_views: list[Callable[..., HttpResponse | None]] = []
        for name in reversed(settings.BROWSER_MIDDLEWARE):
            one = import_string(name)(self._with_browser_middleware)
            self._with_browser_middleware = one
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

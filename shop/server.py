"""The shop as a WSGI application: `granian --interface wsgi shop.server:application`."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from shop import doors, pages
from shop.answering import Answer, headers_of, refused, status_line
from shop.asking import Asked, Refusal, asked
from shop.config import Config, read_config
from shop.partner import Refused, Unreachable
from shop.store import Store

StartResponse = Callable[[str, list[tuple[str, str]]], Any]
Wsgi = Callable[[Mapping[str, Any], StartResponse], Iterable[bytes]]
SAFE: Final = frozenset({"GET", "HEAD"})


def shop(config: Config) -> Wsgi:
    store = Store(config.database)

    def serve(environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        request = None
        try:
            request = asked(environ, config)
            answer = _answer(request, doors.Shop(config.partner, store))
        except Refusal as refusal:
            answer = refused(refusal.status, str(refusal))
        start_response(status_line(answer), headers_of(answer, request))
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else answer.content]

    return serve


def _answer(request: Asked, here: doors.Shop) -> Answer:
    method = "GET" if request.method in SAFE else request.method
    if method == "GET" and (page := pages.page(request.path, request.site)):
        _welcome(request)
        return page
    door = doors.DOORS.get((method, request.path))
    if door is None:
        raise _no_door(request)
    try:
        return door(here, request)
    except Unreachable as silence:
        return refused(503, str(silence), "Nothing was ordered that you have not confirmed. Try again in a moment.")
    except Refused as refusal:
        return refused(_passed_on(refusal.status), *refusal.sentences)


def _no_door(request: Asked) -> Refusal:
    if any(path == request.path for _, path in doors.DOORS) or pages.page(request.path, request.site):
        return Refusal(405, f"{request.method} is not allowed here.")
    return Refusal(404, "There is nothing at this path.")


def _passed_on(status: int) -> int:
    """The gateway's own trouble, or a secret of ours that it does not know, is no fault of the page."""
    return 502 if status >= 500 or status in {401, 403} else status


def _welcome(request: Asked) -> None:
    """A new visitor's cookie comes with the page itself, so that two calls at once do not get two."""
    if request.path == "/" and not request.cookie:
        request.give_cookie()


def __getattr__(name: str) -> Wsgi:
    """Made when it is asked for: a test that imports this module has no environment for it."""
    if name == "application":
        return shop(read_config())
    raise AttributeError(name)

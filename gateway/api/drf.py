"""REST framework settings: reads JSON, and turns domain errors and invalid input into the envelope."""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from gateway.http.envelope import failure
from gateway.values.errors import ErrorType, GatewayError, Invalid, NotFound

log = logging.getLogger(__name__)

NON_FIELD: Final = "non_field_errors"
NUL: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # as json.dumps writes NUL; an even run of backslashes is text
SURROGATES: Final = range(0xD800, 0xE000)


def envelope_errors(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """The response to an error; None lets Django answer 500."""
    if isinstance(error, GatewayError):
        body = failure(error.error_type, *error.sentences)
        headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
        return Response(body, status=error.status, headers=headers)
    if isinstance(error, exceptions.ValidationError):
        return Response(failure(ErrorType.VALIDATION_ERROR, *_sentences(error.detail)), status=400)
    if isinstance(error, Http404):
        return envelope_errors(NotFound("There is nothing at this path."), context)
    if isinstance(error, exceptions.APIException):
        error_type = _DRF_TYPES.get(error.status_code, ErrorType.VALIDATION_ERROR)
        return Response(failure(error_type, str(error.detail)), status=error.status_code)
    if isinstance(error, OperationalError | InterfaceError):
        log.error("The database is unavailable: %s", error)
        # PostgreSQL's codes for a statement, or a wait for a lock, that took too long.
        is_busy = getattr(error.__cause__, "pgcode", None) in {"57014", "55P03"}
        sentence = "The database is busy; try again." if is_busy else "The database is unavailable."
        return Response(failure(ErrorType.SERVICE_UNAVAILABLE, sentence), 503, headers={"Retry-After": "5"})
    return None


_DRF_TYPES: Final = {
    405: ErrorType.METHOD_NOT_ALLOWED,
    413: ErrorType.PAYLOAD_TOO_LARGE,
    415: ErrorType.UNSUPPORTED_MEDIA_TYPE,
    429: ErrorType.RATE_LIMITED,
}


def _sentences(detail: Any, path: str = "") -> Iterator[str]:
    """One sentence per wrong field, starting with the field's path."""
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            yield from _sentences(inner, _join(path, key))
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            yield from _sentences(inner, _join(path, index) if isinstance(inner, Mapping) else path)
    else:
        yield f"{path}: {detail}" if path else str(detail)


def _join(path: str, key: str | int) -> str:
    if key == NON_FIELD:
        return path
    if isinstance(key, int) or key.isdigit():
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


class AlwaysJSON(BaseContentNegotiation):
    """Always JSON: a wrong Accept header is no reason to refuse an order."""

    def select_parser(self, request: Request, parsers: Any) -> BaseParser | None:
        media_type = (request.content_type or "").split(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == media_type), None)

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class StrictJSONParser(BaseParser):
    """UTF-8 JSON that the database can store: no NaN, no NUL, no lone surrogates, limited nesting."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            body = stream.read().decode("utf-8")
            parsed = json.loads(body, parse_constant=no_constant)
            storable = "\\u" not in body or _storable(parsed)
        except (ValueError, RecursionError):
            raise Invalid("The body is not JSON.") from None
        if not storable:
            raise Invalid("The body contains a character that text cannot store (NUL or a lone surrogate).")
        return parsed


def no_constant(name: str) -> Any:
    raise ValueError(name)  # NaN and Infinity are not JSON


def _storable(parsed: Any) -> bool:
    text = json.dumps(parsed, ensure_ascii=False)
    return not NUL.search(text) and not any(ord(character) in SURROGATES for character in text)

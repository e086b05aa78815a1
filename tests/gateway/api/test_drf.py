"""Where JSON is read, and where wrong input becomes sentences."""

from io import BytesIO
from typing import Any

import pytest
from django.db import OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from gateway.api.drf import StrictJSONParser, envelope_errors
from gateway.values.errors import Conflict, Invalid, NotFound

NO_JSON = "The body is not JSON."
UNSTORABLE = "The body contains a character that text cannot store (NUL or a lone surrogate)."


def parse(body: bytes) -> Any:
    return StrictJSONParser().parse(BytesIO(body))


def answer(error: Exception) -> Response:
    response = envelope_errors(error, {})
    assert response is not None
    return response


class TestStrictJSONParser:
    @pytest.mark.parametrize(
        ("body", "parsed"),
        [
            (b"{}", {}),
            (b' {"a": [1, 2.5, null, true]} ', {"a": [1, 2.5, None, True]}),
            ('{"a": "₹"}'.encode(), {"a": "₹"}),
            (b'{"a": "\\u20b9\\ud83d\\ude00"}', {"a": "₹😀"}),
            (b'{"a": "\\\\u0000 \\u0041"}', {"a": "\\u0000 A"}),
            (b'{"a": "\\\\ud800"}', {"a": "\\ud800"}),
            (b"1" + b"0" * 4_000, 10**4_000),
        ],
    )
    def test_reads_what_can_be_stored(self, body: bytes, parsed: Any) -> None:
        assert parse(body) == parsed

    @pytest.mark.parametrize(
        ("body", "sentence"),
        [
            (b"", NO_JSON),
            (b"{", NO_JSON),
            (b"{'a': 1}", NO_JSON),
            (b'{"a": 1} x', NO_JSON),
            (b"\xff", NO_JSON),
            (b'{"a": "\xed\xa0\x80"}', NO_JSON),
            (b'{"a": "\x00"}', NO_JSON),
            ('{"a": 1}'.encode("utf-16"), NO_JSON),
            (b'{"a": NaN}', NO_JSON),
            (b"[Infinity]", NO_JSON),
            (b"-Infinity", NO_JSON),
            (b"1" + b"0" * 5_000, NO_JSON),
            (b"[" * 60_000, NO_JSON),
            (b"[" * 30_000 + b"]" * 30_000, NO_JSON),
            (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, NO_JSON),
            (b'{"a": "\\u0000"}', UNSTORABLE),
            (b'{"\\u0000": 1}', UNSTORABLE),
            (b'["\\\\\\u0000"]', UNSTORABLE),
            (b'{"a": "\\ud800"}', UNSTORABLE),
            (b'{"a": ["x", {"\\udc00\\ud800": 1}]}', UNSTORABLE),
        ],
    )
    def test_refuses_what_cannot(self, body: bytes, sentence: str) -> None:
        with pytest.raises(Invalid) as refusal:
            parse(body)

        assert refusal.value.sentences == (sentence,)

    def test_says_so_at_the_very_depth_that_it_cannot_look_through(self) -> None:
        bodies = [b'["\\u0041",' + b"[" * depth + b"]" * depth + b"]" for depth in range(1_000)]

        with pytest.raises(Invalid, match="not JSON"):
            list(map(parse, bodies))  # where reading still works and writing does not, it was a RecursionError


class TestSentences:
    @pytest.mark.parametrize(
        ("detail", "sentences"),
        [
            ({"notes": ["is wrong."]}, ["notes: is wrong."]),
            ({"notes": ["is wrong.", "is long."]}, ["notes: is wrong.", "notes: is long."]),
            ({"orderConfig": {"type": ["is required."]}}, ["orderConfig.type: is required."]),
            (
                {"orderConfig": {"securities": [{}, {"ticker": ["is no symbol."]}]}},
                ["orderConfig.securities[1].ticker: is no symbol."],
            ),
            ({"orderConfig": {"securities": {"0": ["is odd."]}}}, ["orderConfig.securities[0]: is odd."]),
            ({"orderConfig": {"securities": ["must be a list."]}}, ["orderConfig.securities: must be a list."]),
            ({"non_field_errors": ["must be an object."]}, ["must be an object."]),
            ({"config": {"non_field_errors": ["must be an object."]}}, ["config: must be an object."]),
            (["must be short."], ["must be short."]),
            ({"orderConfig.type": ["is required."]}, ["orderConfig.type: is required."]),
        ],
    )
    def test_name_the_field_by_its_path(self, detail: Any, sentences: list[str]) -> None:
        response = answer(ValidationError(detail))

        assert (response.status_code, response.data) == (
            400,
            {"success": False, "errors": sentences, "errorType": "ValidationError", "data": None},
        )


class TestEnvelopeErrors:
    @pytest.mark.parametrize(
        ("error", "status", "error_type", "sentence"),
        [
            (Conflict("Too late."), 409, "Conflict", "Too late."),
            (NotFound("Not there."), 404, "NotFound", "Not there."),
            (Http404(), 404, "NotFound", "There is nothing at this path."),
            (exceptions.MethodNotAllowed("PUT"), 405, "MethodNotAllowed", 'Method "PUT" not allowed.'),
            (
                exceptions.UnsupportedMediaType("text/plain"),
                415,
                "UnsupportedMediaType",
                'Unsupported media type "text/plain" in request.',
            ),
            (OperationalError(), 503, "ServiceUnavailable", "The database is unavailable."),
        ],
    )
    def test_are_of_one_shape(self, error: Exception, status: int, error_type: str, sentence: str) -> None:
        response = answer(error)

        assert (response.status_code, response.data) == (
            status,
            {"success": False, "errors": [sentence], "errorType": error_type, "data": None},
        )

    def test_say_when_to_come_back(self) -> None:
        assert answer(OperationalError()).headers["Retry-After"] == "5"

    def test_leave_a_bug_to_django(self) -> None:
        assert envelope_errors(ZeroDivisionError(), {}) is None

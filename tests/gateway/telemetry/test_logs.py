"""Each record is one JSON object, or one line that begins like a record and none more that does."""

import json
import logging
import re
import sys
from typing import Any

import pytest
from django.test import RequestFactory
from django.urls import resolve

from gateway.telemetry import logs, request_id

FORGED = "Asha\n2026-11-20T05:30:00.000Z ERROR gateway [x] all your orders are gone\r\x1b[2K\u2028\u202e\x85"
BEGINS = re.compile(r"(?m)^\d{4}-\d\d-\d\dT")


def record(message: str = "Filled %s", *args: object, **more: Any) -> logging.LogRecord:
    made = logging.LogRecord("gateway.x", logging.WARNING, __file__, 1, message, args or ("INFY",), None)
    made.created = 1_795_152_600.1239
    vars(made).update(more)
    return made


def failed() -> logging.LogRecord:
    password = "swordfish"
    try:
        raise ValueError(f"{len(password)} letters\n2026-11-20T05:30:00.000Z ERROR forged")
    except ValueError:
        made = record()
        made.exc_info = sys.exc_info()
        return made


class TestJson:
    def test_tells_when_what_and_for_whom(self) -> None:
        with request_id.bound("12345678"), logs.about(task="deliver", taskId="t1"):
            told = json.loads(logs.Json().format(record(status=200, durationMs=1.5, gateway="acme")))

        assert told == {
            "time": "2026-11-20T05:30:00.123Z",
            "level": "WARNING",
            "logger": "gateway.x",
            "message": "Filled INFY",
            "requestId": "12345678",
            "task": "deliver",
            "taskId": "t1",
            "status": 200,
            "durationMs": 1.5,
            "gateway": "acme",
        }

    def test_leaves_out_what_is_not_known_or_not_to_be_told(self) -> None:
        told = json.loads(logs.Json().format(record(data={"kwargs": "of a task"}, request="of Django")))

        assert set(told) == {"time", "level", "logger", "message"}

    @pytest.mark.parametrize("typed", [FORGED, "\ud800", "\x00", '"}'])
    def test_is_one_line_of_ascii_whatever_was_typed(self, typed: str) -> None:
        line = logs.Json().format(record("%s", typed))

        assert (line.isascii(), line.isprintable()) == (True, True)
        assert json.loads(line)["message"] == typed

    def test_has_the_traceback_without_the_values_of_variables(self) -> None:
        told = json.loads(logs.Json().format(failed()))

        assert told["exception"].startswith("Traceback")
        assert "9 letters" in told["exception"]
        assert "swordfish" not in told["exception"]


class TestLine:
    def test_tells_the_same_to_people(self) -> None:
        with request_id.bound("12345678"):
            assert logs.Plain().format(record()) == "2026-11-20T05:30:00.123Z WARNING gateway.x [12345678] Filled INFY"

    def test_has_a_dash_where_nobody_asked(self) -> None:
        assert logs.Plain().format(record()) == "2026-11-20T05:30:00.123Z WARNING gateway.x [-] Filled INFY"

    def test_cannot_be_forged_by_what_was_typed(self) -> None:
        line = logs.Plain().format(record("%s", FORGED))

        assert line.isprintable()
        assert r"Asha\n2026-11-20T05:30:00.000Z ERROR" in line

    def test_cannot_be_forged_by_what_an_exception_says(self) -> None:
        written = logs.Plain().format(failed())

        assert len(BEGINS.findall(written)) == 1
        assert "\n    2026-11-20T05:30:00.000Z ERROR forged" in written


class TestAbout:
    def test_is_carried_by_every_record_inside_and_none_after(self) -> None:
        with logs.about(task="deliver"):
            logs.note(gateway="acme")
            inside = json.loads(logs.Json().format(record()))
        after = json.loads(logs.Json().format(record()))

        assert (inside["task"], inside["gateway"]) == ("deliver", "acme")
        assert not {"task", "gateway"} & set(after)


class TestWithoutPaths:
    def test_names_the_route_in_djangos_own_records(self) -> None:
        path = f"/sandbox/acme/transactions/TRX_{'a' * 32}/complete"
        request = RequestFactory().get(path)
        request.resolver_match = resolve(path)
        django_s = record("%s: %s", "Internal Server Error", path, request=request)

        logs.WithoutPaths().filter(django_s)

        assert django_s.getMessage() == (
            "Internal Server Error: sandbox/<gateway:gateway>/transactions/<trx:transaction_id>/complete"
        )

    def test_lets_every_other_record_be(self) -> None:
        ours = record("%s", "/a/path")

        assert logs.WithoutPaths().filter(ours)
        assert ours.getMessage() == "/a/path"

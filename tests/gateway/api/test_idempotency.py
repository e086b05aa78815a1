"""One key, one run, one answer: the row's whole life, by the clock it is given."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.db import IntegrityError, OperationalError, connection
from django.db.transaction import atomic

from gateway.api.idempotency import (
    KEPT,
    LEASE,
    AnswerLost,
    IdempotencyMismatch,
    Keyed,
    Stored,
    Turn,
    TwinRunning,
    _run_again,
    _take_over,
    begin,
    checked_key,
    fingerprint,
    forget_old,
    is_worth_keeping,
    settle,
)
from gateway.models import IdempotentRequest
from gateway.values.errors import RETRYABLE, ErrorType, Invalid
from tests import make

MOMENT = timedelta(microseconds=1)


@pytest.fixture
def keyed(db: None) -> Keyed:
    return Keyed(
        gateway_id=make.gateway().pk, user_id=None, key="order-4711", fingerprint="f" * 64, first_fingerprint="a" * 64
    )


def turn(keyed: Keyed, now: datetime) -> Turn:
    begun = begin(keyed=keyed, now=now)
    assert isinstance(begun, Turn)
    return begun


def answer(of: Turn, now: datetime, *, status: int = 200, body: str = '{"a":1}', error_type: str | None = None) -> None:
    settle(of, status=status, error_type=error_type, body=body, now=now)


def of_body(body: bytes) -> str:
    return fingerprint(method="POST", path="/a", caller="1 None None", body=body)


class TestCheckedKey:
    @pytest.mark.parametrize("key", ["x", "!", "~" * 255, "a b", "7d2f6c1e-58a5-4bb4-9d3c-0f4f4b3f5a10"])
    def test_is_what_a_header_can_carry(self, key: str) -> None:
        assert checked_key(key) == key

    @pytest.mark.parametrize("key", ["", " ", " a", "a ", "a\tb", "ü", "a\x7f", "x" * 256, "a\n"])
    def test_is_nothing_else(self, key: str) -> None:
        with pytest.raises(Invalid, match=r"Idempotency-Key: must be 1 to 255 printable ASCII characters\."):
            checked_key(key)


class TestFingerprint:
    def test_tells_apart_all_that_makes_a_request_another(self) -> None:
        same: dict[str, Any] = {"method": "POST", "path": "/a?b=1", "caller": "1 None None", "body": b"{}"}
        others: list[dict[str, Any]] = [
            {**same, "method": "PUT"},
            {**same, "path": "/a?b=2"},
            {**same, "caller": "1 2 None"},
            {**same, "body": b"[]"},
            {**same, "body": b""},
            {**same, "path": "/a", "caller": "?b=1\n1 None None"},
        ]

        prints = [fingerprint(**one) for one in [same, *others]]

        assert len(set(prints)) == len(prints)
        assert fingerprint(**same) == prints[0]

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (b'{"a":1,"b":[1,{"c":2,"d":3}]}', b' { "b": [1, {"d": 3, "c": 2}],\n\t"a": 1 } '),
            (b'{"n":10}', b'{"n":10.0}'),
            (b'{"n":10}', b'{"n":1e1}'),
            (b'{"n":0}', b'{"n":-0.0}'),
            (b'{"n":0.1}', b'{"n":0.10}'),
            (b'{"n":123456789012345678901234567890}', b'{"n": 123456789012345678901234567890}'),
            ('{"n":"é₹"}'.encode(), b'{"n":"\\u00e9\\u20b9"}'),
            (b'{"n":1,"n":2}', b'{"n":2}'),
        ],
    )
    def test_is_the_same_for_the_same_json(self, one: bytes, other: bytes) -> None:
        assert of_body(one) == of_body(other)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (b'{"n":1}', b'{"n":"1"}'),
            (b'{"n":1}', b'{"n":true}'),
            (b'{"n":null}', b"{}"),
            (b'{"n":1}', b'{"N":1}'),
            (b"[1,2]", b"[2,1]"),
            (b'{"n":1,"n":2}', b'{"n":1}'),
            (b'{"n":10}', b'{"n":10.01}'),
            (b'{"n":123456789012345678901234567890}', b'{"n":123456789012345678901234567891}'),
            (b'{"n":"a b"}', b'{"n":"a  b"}'),
            (b'{"n":"\xc3\xa9"}', b'{"n":"e\xcc\x81"}'),  # two spellings of é
            (b"{", b"{ "),
            (b"[NaN]", b"[ NaN]"),
            (b"[-Infinity]", b"[ -Infinity]"),
            (b"\xff", b"\xfe"),
            (b"[" * 60_000, b"[" * 60_001),
            (b"1" * 5_000, b"1" * 5_001),
        ],
    )
    def test_is_another_for_another_value_or_what_is_no_json(self, one: bytes, other: bytes) -> None:
        assert of_body(one) != of_body(other)

    @pytest.mark.parametrize(
        "body", [b"1e400", b"[NaN]", b'"\\ud800"', b"-1e308", b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00"]
    )
    def test_is_made_of_whatever_comes(self, body: bytes) -> None:
        assert len(of_body(body)) == 64


class TestBegin:
    def test_gives_the_first_a_turn_and_its_twins_none_meanwhile(self, keyed: Keyed, now: datetime) -> None:
        first = turn(keyed, now)

        with pytest.raises(TwinRunning) as refusal:
            begin(keyed=keyed, now=now + LEASE - MOMENT)

        assert (first.attempt, first.is_rerun) == (0, False)
        assert refusal.value.retry_after == 1
        assert IdempotentRequest.objects.count() == 1

    def test_gives_twins_the_stored_answer(self, keyed: Keyed, now: datetime) -> None:
        answer(turn(keyed, now), now, status=404, body='{"b":2,"a":1.50}')

        assert begin(keyed=keyed, now=now + KEPT - MOMENT) == Stored(404, '{"b":2,"a":1.50}')

    @pytest.mark.parametrize("corrected", ["e" * 64, "f" * 64])
    @pytest.mark.parametrize("status", [400, 415])
    def test_frees_the_key_of_a_request_that_was_wrong(
        self, keyed: Keyed, now: datetime, status: int, corrected: str
    ) -> None:
        wrong = turn(keyed, now)
        answer(wrong, now, status=status)
        next_one = replace(keyed, fingerprint=corrected)

        again = turn(next_one, now)
        with pytest.raises(TwinRunning):
            begin(keyed=next_one, now=now)
        answer(wrong, now, status=status, body='{"late":1}')
        answer(again, now)

        assert begin(keyed=next_one, now=now) == Stored(200, '{"a":1}')
        with pytest.raises(IdempotencyMismatch):
            begin(keyed=replace(keyed, fingerprint="d" * 64), now=now)

    def test_knows_the_fingerprint_that_the_first_release_stored(self, keyed: Keyed, now: datetime) -> None:
        answer(turn(replace(keyed, fingerprint=keyed.first_fingerprint), now), now)

        assert begin(keyed=keyed, now=now) == Stored(200, '{"a":1}')
        with pytest.raises(IdempotencyMismatch):
            begin(keyed=replace(keyed, first_fingerprint="b" * 64), now=now)

    @pytest.mark.parametrize("answered", [True, False])
    def test_refuses_another_request_with_the_same_key(self, keyed: Keyed, now: datetime, answered: bool) -> None:
        first = turn(keyed, now)
        if answered:
            answer(first, now)

        with pytest.raises(IdempotencyMismatch):
            begin(keyed=replace(keyed, fingerprint="e" * 64), now=now)

    def test_runs_again_what_died(self, keyed: Keyed, now: datetime) -> None:
        died = turn(keyed, now)

        again = turn(keyed, now + LEASE)

        assert again == Turn(died.row, 1, died.reserved_id)
        assert again.is_rerun
        with pytest.raises(TwinRunning):
            begin(keyed=keyed, now=now + LEASE)

    @pytest.mark.parametrize("claim", [_run_again, partial(_take_over, reserved="another")])
    def test_lets_one_of_two_rivals_through(self, keyed: Keyed, now: datetime, claim: Callable[..., Turn]) -> None:
        turn(keyed, now)
        more = {"keyed": keyed} if isinstance(claim, partial) else {}
        mine, theirs = IdempotentRequest.objects.get(), IdempotentRequest.objects.get()  # both have read it

        claim(theirs, now=now + KEPT, **more)
        with pytest.raises(TwinRunning):
            claim(mine, now=now + KEPT, **more)

    def test_does_not_run_again_what_was_answered_a_moment_ago(self, keyed: Keyed, now: datetime) -> None:
        first = turn(keyed, now)
        seen = IdempotentRequest.objects.get()
        answer(first, now)

        with pytest.raises(TwinRunning):
            _run_again(seen, now + LEASE)

        assert begin(keyed=keyed, now=now + LEASE) == Stored(200, '{"a":1}')

    def test_starts_a_key_anew_when_its_day_is_over(self, keyed: Keyed, now: datetime) -> None:
        first = turn(keyed, now)
        answer(first, now)

        another = turn(replace(keyed, fingerprint="e" * 64), now + KEPT)

        assert another.row == first.row
        assert another.reserved_id != first.reserved_id
        with pytest.raises(TwinRunning):
            begin(keyed=replace(keyed, fingerprint="e" * 64), now=now + KEPT)

    def test_keeps_the_keys_of_gateways_and_managers_apart(self, keyed: Keyed, now: datetime) -> None:
        meera = User.objects.create_user("meera")
        mine = [
            keyed,
            replace(keyed, gateway_id=make.gateway().pk),
            replace(keyed, gateway_id=None, user_id=meera.pk),
            replace(keyed, gateway_id=None, user_id=User.objects.create_user("ravi").pk),
            replace(keyed, key="another"),
        ]

        turns = [turn(one, now) for one in mine]

        assert {one.attempt for one in turns} == {0}
        assert len({one.reserved_id for one in turns}) == len(mine)

    def test_says_when_an_answer_can_no_longer_be_opened(self, keyed: Keyed, now: datetime, settings: Any) -> None:
        answer(turn(keyed, now), now)
        settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

        with pytest.raises(AnswerLost):
            begin(keyed=keyed, now=now)


class TestSettle:
    def test_keeps_no_answer_in_clear(self, keyed: Keyed, now: datetime) -> None:
        answer(turn(keyed, now), now, body='{"smallcaseAuthToken":"ey.."}')

        assert "smallcaseAuthToken" not in IdempotentRequest.objects.get().encrypted_response

    def test_lets_a_twin_run_at_once_after_what_is_not_worth_keeping(self, keyed: Keyed, now: datetime) -> None:
        first = turn(keyed, now)

        answer(first, now, status=503, error_type="ServiceUnavailable")

        assert turn(keyed, now) == Turn(first.row, 1, first.reserved_id)

    def test_is_nothing_for_one_that_outlived_its_lease(self, keyed: Keyed, now: datetime) -> None:
        slow = turn(keyed, now)
        again = turn(keyed, now + LEASE)

        answer(slow, now + LEASE, body='{"slow":1}')
        answer(again, now + LEASE, body='{"again":1}')
        answer(slow, now + LEASE, status=500)

        assert begin(keyed=keyed, now=now + LEASE) == Stored(200, '{"again":1}')

    @pytest.mark.usefixtures("transactional_db")
    def test_lets_the_answer_go_out_where_the_database_is_gone(
        self, keyed: Keyed, now: datetime, caplog: pytest.LogCaptureFixture
    ) -> None:
        def gone(*_: object) -> None:
            raise OperationalError("the server closed the connection")

        first = turn(keyed, now)
        with connection.execute_wrapper(gone):
            answer(first, now)

        assert "could not be stored: the server closed the connection" in caplog.text
        assert turn(keyed, now + LEASE).reserved_id == first.reserved_id


class TestIsWorthKeeping:
    @pytest.mark.parametrize(
        ("status", "error_type"),
        [(200, None), (201, None), *((409, kind) for kind in ErrorType if kind not in RETRYABLE), (400, None)],
    )
    def test_what_would_be_answered_the_same_again(self, status: int, error_type: str | None) -> None:
        assert is_worth_keeping(status, error_type)

    @pytest.mark.parametrize(
        ("status", "error_type"),
        [(500, None), (503, None), (429, None), (401, None), *((409, k) for k in sorted(RETRYABLE))],
    )
    def test_not_what_may_pass(self, status: int, error_type: str | None) -> None:
        assert not is_worth_keeping(status, error_type)


class TestForgetOld:
    def test_is_for_those_whose_day_is_over(self, keyed: Keyed, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("gateway.api.idempotency.FORGOTTEN_AT_ONCE", 2)  # several chunks
        for number in range(5):
            turn(replace(keyed, key=f"old-{number}"), now)
        turn(replace(keyed, key="young"), now + MOMENT)

        assert forget_old(now=now + KEPT) == 5
        assert [row.key for row in IdempotentRequest.objects.all()] == ["young"]
        assert forget_old(now=now + KEPT) == 0


class TestTheTable:
    @pytest.mark.parametrize(
        ("name", "wrong"),
        [
            ("an_idempotent_request_has_one_owner", {"gateway_id": None}),
            ("an_answer_comes_with_its_status", {"status_code": 200}),
            ("an_answer_comes_with_its_status", {"encrypted_response": "x"}),
        ],
    )
    def test_refuses_a_wrong_row(self, keyed: Keyed, now: datetime, name: str, wrong: dict[str, object]) -> None:
        turn(keyed, now)

        with pytest.raises(IntegrityError, match=name), atomic():
            IdempotentRequest.objects.update(**wrong)

"""Bytes alone: whether they are one complete response."""

from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.webhooks.receivers.corpus import CASES, Case
from tests.webhooks.receivers.playing import Act
from webhooks.delivery.response_framing import final_head, is_reusable

BODY = st.binary(max_size=20)
STATUS = st.integers(200, 599).filter(lambda status: status not in {204, 205, 304, 408})
FIELD = st.sampled_from([b"x-a: b\r\n", b"X-A:\r\n", b"date: \xe9\t:\r\n", b"connection: keep-alive\r\n"])
FEW = settings(max_examples=50, deadline=None)
# Too many bytes, or too late, to be read to their end.
PROPER_AS_BYTES = {"4097 bytes", "101 fields", "a late response", "a late rest of a head"}


@st.composite
def responses(draw: st.DrawFn) -> bytes:
    """A proper response, after up to two interim ones."""
    body, fields = draw(BODY), b"".join(draw(st.lists(FIELD, max_size=2)))
    interim = b"".join(b"HTTP/1.1 %d Wait\r\n\r\n" % n for n in draw(st.lists(st.integers(102, 199), max_size=2)))
    if draw(st.booleans()):
        fields, framed = fields + b"content-length: %d\r\n" % len(body), body
    else:
        fields, framed = fields + b"transfer-encoding: chunked\r\n", _chunked(body)
    return interim + b"HTTP/1.1 %d Reason\r\n" % draw(STATUS) + fields + b"\r\n" + framed


def _chunked(body: bytes) -> bytes:
    return b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"


class TestIsReusable:
    @FEW
    @given(responses())
    def test_is_true_of_one_proper_response(self, response: bytes) -> None:
        assert is_reusable(response)

    @FEW
    @given(responses(), st.data())
    def test_is_false_of_less(self, response: bytes, data: st.DataObject) -> None:
        assert not is_reusable(response[: data.draw(st.integers(0, len(response) - 1))])

    @FEW
    @given(responses(), st.binary(min_size=1, max_size=9) | responses())
    def test_is_false_of_more(self, response: bytes, more: bytes) -> None:
        assert not is_reusable(response + more)

    @FEW
    @given(st.binary())
    def test_bears_anything(self, received: bytes) -> None:
        assert is_reusable(received) in {True, False}

    @pytest.mark.parametrize(
        "case", [case for case in CASES if case.steps[-1] not in set(Act)], ids=lambda case: case.name
    )
    def test_agrees_with_the_corpus(self, case: Case) -> None:
        received = b"".join(step for step in case.steps if isinstance(step, bytes))

        assert is_reusable(received) == (case.reuse or case.name in PROPER_AS_BYTES)


class TestFinalHead:
    @FEW
    @given(responses())
    def test_is_the_last_of_the_heads(self, response: bytes) -> None:
        stream = BytesIO(response)
        head = final_head(stream)

        assert head.endswith(b"\r\n\r\n")
        assert is_reusable(head + stream.read())
        assert not head.startswith(b"HTTP/1.1 1")

import pytest

from webhooks.signing.diagnosis.capture import Unreadable, read

HEAD = b"POST /hooks HTTP/1.1\r\nWebhook-Id: evt_1\r\nX-Other:  spaced  \r\n"


@pytest.mark.parametrize(
    ("content", "headers", "body"),
    [
        (HEAD + b"\r\n{}", {"webhook-id": "evt_1", "x-other": "spaced"}, b"{}"),
        (b"webhook-id: evt_1\n\n{}\n", {"webhook-id": "evt_1"}, b"{}\n"),
        (b"content-length: 2\n\n{}\n", {"content-length": "2"}, b"{}"),
        (b"a: b: c\n\n\n\n", {"a": "b: c"}, b"\n\n"),
        (b'{"a": 1}\n', {}, b'{"a": 1}\n'),
        (b"[1]", {}, b"[1]"),
        (b"", {}, b""),
    ],
)
def test_a_request_is_read(content: bytes, headers: dict[str, str], body: bytes) -> None:
    captured = read(content)

    assert (captured.headers, captured.body) == (headers, body)


def test_headers_told_apart_win() -> None:
    captured = read(b"webhook-id: evt_1\n\n{}", headers=["Webhook-Id: evt_2", "a:b"])

    assert captured.headers == {"webhook-id": "evt_2", "a": "b"}


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"hello", []),
        (b"hello\n\n{}", []),
        (b"transfer-encoding: chunked\n\n2\r\n{}\r\n0", []),
        (b"{}", ["webhook-id"]),
        (b"{}", [": evt"]),
    ],
)
def test_what_is_no_request_is_refused(content: bytes, headers: list[str]) -> None:
    with pytest.raises(Unreadable):
        read(content, headers=headers)

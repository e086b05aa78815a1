"""What receivers send, as data: what RFC 9110 and 9112 allow, and what they forbid and receivers do all the same.

`status` is what is recorded, or None with the beginning of the `error`. `reuse` is whether the connection may carry
the next request.
"""

import gzip
import zlib
from dataclasses import dataclass

from tests.webhooks.receivers.playing import Act, Step

READ, IDLE, CLOSE, HALF_CLOSE, RESET = Act.READ, Act.IDLE, Act.CLOSE, Act.HALF_CLOSE, Act.RESET
OK = b"HTTP/1.1 200 OK\r\n"
LENGTH_2 = b"content-length: 2\r\n"
PROPER = OK + LENGTH_2 + b"\r\nok"
CHUNKED = b"transfer-encoding: chunked\r\n"
PROCESSING = b"HTTP/1.1 102 Processing\r\n\r\n"
MOMENT = 0.02
BOMB = gzip.compress(b"x" * 2_000_000)
RUPEE = "₹"
GZIP, DEFLATE = b"content-encoding: gzip", b"content-encoding: deflate"
PACKED, BARE = gzip.compress(b"oops"), zlib.compress(b"oops")[2:-4]
TEXT = b"content-type: text/plain; charset="


@dataclass(frozen=True)
class Case:
    """`limit`: seconds for the whole and for the body, where a case only ends with them."""

    name: str
    steps: tuple[Step, ...]
    status: int | None
    reuse: bool
    error: str = ""
    excerpt: str | None = None
    limit: float = 5


def delivered(name: str, *steps: Step, status: int = 200, excerpt: str | None = None, limit: float = 5) -> Case:
    return Case(name, (READ, *steps), status, reuse=True, excerpt=excerpt, limit=limit)


def spoiled(name: str, *steps: Step, status: int = 200, excerpt: str | None = None, limit: float = 5) -> Case:
    """Answered, and the connection is not used again."""
    return Case(name, (READ, *steps), status, reuse=False, excerpt=excerpt, limit=limit)


def failed(name: str, *steps: Step, error: str, limit: float = 5) -> Case:
    return Case(name, (READ, *steps), None, reuse=False, error=error, limit=limit)


def sized(body: bytes, *fields: bytes, status_line: bytes = OK) -> bytes:
    lines = [b"content-length: %d" % len(body), *fields]
    return status_line + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


BODIES = [
    delivered("a length", PROPER, excerpt="ok"),
    delivered("no body", OK + b"content-length: 0\r\n\r\n", excerpt=""),
    delivered("204 without a length", b"HTTP/1.1 204 No Content\r\n\r\n", status=204, excerpt=""),
    delivered("in pieces", *(bytes([byte]) for byte in PROPER), excerpt="ok"),
    delivered("body a moment later", OK + LENGTH_2 + b"\r\n", MOMENT, b"ok", excerpt="ok"),
    delivered("4096 bytes", sized(b"x" * 4096), excerpt="x" * 4096),
    spoiled("4097 bytes", sized(b"x" * 4097), excerpt="x" * 4096),
    delivered("chunked", OK + CHUNKED + b"\r\n2\r\nok\r\n0\r\n\r\n", excerpt="ok"),
    delivered("chunked, two chunks, hexadecimal", OK + CHUNKED + b"\r\n0A\r\n0123456789\r\n1\r\na\r\n0\r\n\r\n"),
    delivered("chunked with extensions", OK + CHUNKED + b'\r\n2;a=b;c="d"\r\nok\r\n0;last\r\n\r\n', excerpt="ok"),
    delivered("chunked with trailers", OK + CHUNKED + b"\r\n2\r\nok\r\n0\r\nx-sum: 1\r\nx-b: 2\r\n\r\n", excerpt="ok"),
    delivered("chunked, empty", OK + CHUNKED + b"\r\n0\r\n\r\n", excerpt=""),
    delivered("Chunked, capital", OK + b"Transfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", excerpt="ok"),
    spoiled("chunked, and a length", OK + CHUNKED + LENGTH_2 + b"\r\n2\r\nok\r\n0\r\n\r\n", excerpt="ok"),
    spoiled("chunked on HTTP/1.0", b"HTTP/1.0 200 OK\r\n" + CHUNKED + b"\r\n2\r\nok\r\n0\r\n\r\n"),
    spoiled("chunked, no CR LF after a chunk", OK + CHUNKED + b"\r\n2\r\nokXX0\r\n\r\n"),
    spoiled("chunked, bare LF", OK + CHUNKED + b"\r\n2\nok\r\n0\r\n\r\n"),
    spoiled("chunked, a size with an underscore", OK + CHUNKED + b"\r\n0_2\r\nok\r\n0\r\n\r\n"),
    spoiled("chunked, a negative size", OK + CHUNKED + b"\r\n-2\r\nok\r\n0\r\n\r\n", CLOSE),
    spoiled("chunked, a size that is none", OK + CHUNKED + b"\r\nzz\r\nok\r\n0\r\n\r\n"),
    spoiled("chunked, cut off", OK + CHUNKED + b"\r\n5\r\nok", CLOSE),
    spoiled("chunked, trailers cut off", OK + CHUNKED + b"\r\n2\r\nok\r\n0\r\nx-sum", CLOSE, excerpt="ok"),
    spoiled("chunked twice", OK + CHUNKED + CHUNKED + b"\r\n2\r\nok\r\n0\r\n\r\n", CLOSE),
    spoiled("gzip, chunked", OK + b"transfer-encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", CLOSE),
    spoiled("endless chunk extension", OK + CHUNKED + b"\r\n2;" + b"x" * 70_000, CLOSE),
    spoiled("endless trailers", OK + CHUNKED + b"\r\n2\r\nok\r\n0\r\n" + b"a: b\r\n" * 12_000, CLOSE),
    spoiled("no length, and close", OK + b"\r\nok", CLOSE, excerpt="ok"),
    spoiled("no length, and no end", OK + b"\r\nok", excerpt="ok", limit=0.2),
    spoiled("a longer body than declared", OK + LENGTH_2 + b"\r\nokay", excerpt="ok"),
    spoiled("a shorter body than declared", OK + b"content-length: 9\r\n\r\nok", CLOSE, excerpt="ok"),
    spoiled("a shorter body, and no end", OK + b"content-length: 9\r\n\r\nok", excerpt="ok", limit=0.2),
    spoiled("an endless body", OK + b"\r\n" + b"y" * 300_000, excerpt="y" * 4096),
    spoiled("a line end after the body", PROPER + b"\r\n", excerpt="ok"),
    spoiled("two lengths, the same", OK + LENGTH_2 + LENGTH_2 + b"\r\nok", CLOSE, excerpt="ok"),
    spoiled("two lengths in one field", OK + b"content-length: 2, 2\r\n\r\nok", CLOSE, excerpt="ok"),
    failed(
        "two lengths that differ", OK + LENGTH_2 + b"content-length: 3\r\n\r\nok", error="HTTPException: Content-Len"
    ),
    failed("a negative length", OK + b"content-length: -2\r\n\r\nok", error="HTTPException: Content-Length is -2."),
    failed("a length with a sign", OK + b"content-length: +2\r\n\r\nok", error="HTTPException: Content-Length is +2."),
    failed("a length with an underscore", OK + b"content-length: 1_0\r\n\r\nok", error="HTTPException: Content-Length"),
    failed("a length in words", OK + b"content-length: two\r\n\r\nok", error="HTTPException: Content-Length is two."),
    spoiled("204 with a body", b"HTTP/1.1 204 No Content\r\n" + LENGTH_2 + b"\r\nok", status=204, excerpt=""),
    spoiled("204 with a length", b"HTTP/1.1 204 No Content\r\n" + LENGTH_2 + b"\r\n", status=204, excerpt=""),
    spoiled("205 with a body", b"HTTP/1.1 205 Reset Content\r\n" + LENGTH_2 + b"\r\nok", status=205),
    delivered("205 as it should be", b"HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n", status=205),
    spoiled("304 with a body", b"HTTP/1.1 304 Not Modified\r\n\r\nok", status=304, excerpt=""),
]

HEADS = [
    delivered("an odd reason", sized(b"", status_line=b"HTTP/1.1 200 alles prima \xfcber\r\n")),
    delivered("an empty reason", sized(b"", status_line=b"HTTP/1.1 200 \r\n")),
    delivered("no reason at all", sized(b"", status_line=b"HTTP/1.1 200\r\n")),
    delivered("a lower-case reason", sized(b"", status_line=b"HTTP/1.1 201 created\r\n"), status=201),
    delivered("a status nobody knows", sized(b"", status_line=b"HTTP/1.1 599 Hm\r\n"), status=599),
    delivered("upper-case fields", OK + b"CONTENT-LENGTH:2\r\nX-EMPTY:\r\n\r\nok"),
    delivered("keep-alive, spelled out", sized(b"", b"Connection: Keep-Alive", b"Keep-Alive: timeout=5")),
    spoiled("Connection: close", sized(b"ok", b"Connection: close"), excerpt="ok"),
    spoiled("Connection: close among others", sized(b"ok", b"connection: x-a, Close")),
    spoiled("Connection: upgrade", sized(b"ok", b"connection: upgrade", b"upgrade: h2c")),
    spoiled("HTTP/1.0", sized(b"ok", status_line=b"HTTP/1.0 200 OK\r\n"), excerpt="ok"),
    delivered("HTTP/1.0 with keep-alive", sized(b"", b"connection: keep-alive", status_line=b"HTTP/1.0 200 OK\r\n")),
    spoiled("HTTP/1.2", sized(b"ok", status_line=b"HTTP/1.2 200 OK\r\n"), excerpt="ok"),
    spoiled("bare LF", b"HTTP/1.1 200 OK\ncontent-length: 2\n\nok", excerpt="ok"),
    spoiled("a folded line", OK + b"x-a: b\r\n c\r\n" + LENGTH_2 + b"\r\nok", excerpt="ok"),
    spoiled("a space before the colon", OK + b"x-a : b\r\n" + LENGTH_2 + b"\r\nok", CLOSE),
    spoiled("a line without a colon", OK + b"x-a\r\n" + LENGTH_2 + b"\r\nok", CLOSE),
    spoiled("NUL in a field", OK + b"x-a: \x00\r\n" + LENGTH_2 + b"\r\nok", CLOSE),
    spoiled("spaces before the status", sized(b"ok", status_line=b"HTTP/1.1  200 OK\r\n")),
    failed("an empty line first", b"\r\n" + PROPER, error="BadStatusLine: (an empty line)"),
    failed("HTTP/0.9", b"<html>ok</html>\n", CLOSE, error="BadStatusLine: <html>ok</html>"),
    failed("HTTP/2 in words", sized(b"", status_line=b"HTTP/2 200 OK\r\n"), error="BadStatusLine: HTTP/2 200 OK"),
    failed(
        "a lower-case protocol", sized(b"", status_line=b"http/1.1 200 OK\r\n"), error="BadStatusLine: http/1.1 200"
    ),
    failed("a status with an underscore", sized(b"", status_line=b"HTTP/1.1 2_00 OK\r\n"), error="BadStatusLine: "),
    failed("a status of two digits", sized(b"", status_line=b"HTTP/1.1 20 OK\r\n"), error="BadStatusLine: "),
    failed("a status of four digits", sized(b"", status_line=b"HTTP/1.1 2000 OK\r\n"), error="BadStatusLine: "),
    failed("NUL for a status line", b"\x00\x00\x00\r\n\r\n", error="BadStatusLine: "),
    failed("a banner of SMTP", b"220 mail.example ESMTP\r\n", error="BadStatusLine: 220 mail"),
    failed("a record of TLS", b"\x15\x03\x01\x00\x02\x02\x0a\n", CLOSE, error="BadStatusLine: "),
    failed("101 fields", sized(b"", *[b"a: b"] * 101), error="HTTPException: got more than 100 headers"),
    failed("an endless field", OK + b"x-a: " + b"y" * 70_000, error="ResponseTooLong: "),
    failed("an endless status line", b"HTTP/1.1 200 " + b"y" * 70_000, error="ResponseTooLong: "),
    failed("endless fields", OK + b"x-a: b\r\n" * 10_000, error="ResponseTooLong: "),
    failed("a head without end", OK + b"x-a: b\r\n", error="Timeout: ", limit=0.2),
    failed("silence", error="Timeout: ", limit=0.2),
]

INTERIM = [
    delivered("100", b"HTTP/1.1 100 Continue\r\n\r\n" + PROPER, excerpt="ok"),
    delivered("102", PROCESSING + PROPER, excerpt="ok"),
    delivered("102, and later the status", PROCESSING, MOMENT, PROPER, excerpt="ok"),
    delivered("103 with fields", b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + PROPER, excerpt="ok"),
    delivered("100, 103 and 102 slowly", b"HTTP/1.1 100\r\n\r\n", MOMENT, PROCESSING, MOMENT, PROCESSING + PROPER),
    delivered("an interim one nobody knows", b"HTTP/1.1 199 Hm\r\n\r\n" + PROPER, excerpt="ok"),
    delivered("102, then 500", PROCESSING + sized(b"no", status_line=b"HTTP/1.1 500 No\r\n"), status=500, excerpt="no"),
    delivered("a hundred of them", PROCESSING * 100 + PROPER, excerpt="ok"),
    spoiled("102 on HTTP/1.0", b"HTTP/1.0 102 Processing\r\n\r\n" + PROPER, excerpt="ok"),
    spoiled("102 with a bare LF", b"HTTP/1.1 102 Processing\n\n" + PROPER, excerpt="ok"),
    spoiled("101", b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", status=101),
    spoiled("101, then 200", b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + PROPER, status=101, excerpt=""),
    failed("102, and the end", PROCESSING, CLOSE, error="RemoteDisconnected: The receiver hung up before"),
    failed("102, and silence", PROCESSING, error="Timeout: ", limit=0.2),
    failed("a storm of 102", PROCESSING * 3_000, error="ResponseTooLong: "),
    failed("102, and a body", PROCESSING + b"ok\r\n" + PROPER, error="BadStatusLine: ok"),
]

ENCODED = [
    delivered("gzip", sized(PACKED, GZIP), excerpt="oops"),
    delivered("x-gzip", sized(PACKED, b"content-encoding: X-GZIP"), excerpt="oops"),
    delivered("deflate", sized(zlib.compress(b"oops"), DEFLATE), excerpt="oops"),
    delivered("deflate, the bare stream", sized(BARE, DEFLATE), excerpt="oops"),
    delivered("gzip that is none", sized(b"oops", GZIP), excerpt="oops"),
    delivered("deflate that is none", sized(b"oops", DEFLATE), excerpt="oops"),
    delivered("br, which nobody here reads", sized(b"oops", b"content-encoding: br"), excerpt="oops"),
    delivered("gzip, cut off", sized(PACKED[:-4], GZIP), excerpt="oops"),
    delivered(
        "gzip in chunks",
        OK + CHUNKED + b"content-encoding: gzip\r\n\r\n%x\r\n" % len(PACKED) + PACKED + b"\r\n0\r\n\r\n",
        excerpt="oops",
    ),
    delivered("a bomb", sized(BOMB, GZIP), excerpt="x" * 4096),
    delivered("UTF-8", sized(RUPEE.encode()), excerpt=RUPEE),
    delivered("Latin-1", sized(b"d\xe9j\xe0", TEXT + b"ISO-8859-1"), excerpt="déjà"),
    delivered(
        "Shift_JIS", sized("失敗".encode("shift_jis"), b'content-type: text/html;charset="Shift_JIS"'), excerpt="失敗"
    ),
    delivered("UTF-16", sized("₹5".encode("utf-16"), TEXT + b"utf-16"), excerpt="₹5"),
    delivered("a charset nobody knows", sized(RUPEE.encode(), TEXT + b"klingon"), excerpt=RUPEE),
    delivered("a charset that unpacks", sized(b"oops", TEXT + b"zip"), excerpt="oops"),
    delivered("a charset that escapes", sized(rb"\ud800\q", TEXT + b"unicode_escape"), excerpt=r"\ud800\q"),
    delivered("a lone surrogate", sized(b"a+2AA-b", TEXT + b"utf-7"), excerpt="a?b"),
    delivered("NUL", sized(b"a\x00b"), excerpt="ab"),
]

CONNECTIONS = [
    spoiled("a second response at once", PROPER + PROPER, excerpt="ok"),
    spoiled("a second response after the first", PROPER, IDLE, PROPER, excerpt="ok"),
    spoiled("a chunked response, and a second", OK + CHUNKED + b"\r\n2\r\nok\r\n0\r\n\r\n" + PROPER, excerpt="ok"),
    spoiled("half of a second response", PROPER + OK, IDLE, LENGTH_2 + b"\r\nok", excerpt="ok"),
    spoiled("an interim response after the first", PROPER, IDLE, PROCESSING, excerpt="ok"),
    spoiled("408 while idle", PROPER, IDLE, sized(b"", status_line=b"HTTP/1.1 408 Request Timeout\r\n")),
    spoiled("408 while idle, and the end", PROPER, IDLE, b"HTTP/1.1 408 Request Timeout\r\n\r\n", CLOSE),
    spoiled("408 as the answer", sized(b"", status_line=b"HTTP/1.1 408 Request Timeout\r\n"), status=408),
    spoiled("the end while idle", PROPER, IDLE, CLOSE, excerpt="ok"),
    spoiled("half of the end while idle", PROPER, IDLE, HALF_CLOSE, excerpt="ok"),
    spoiled("a reset while idle", PROPER, IDLE, RESET),
    failed("a late response", 0.3, PROPER, error="Timeout: ", limit=0.15),
    failed("a late rest of a head", OK, 0.3, LENGTH_2 + b"\r\nok", error="Timeout: ", limit=0.15),
    spoiled("a late rest of a body", OK + LENGTH_2 + b"\r\no", 0.3, b"k" + PROPER, limit=0.15, excerpt="o"),
    failed("the end instead", CLOSE, error="RemoteDisconnected: The receiver hung up before the head"),
    failed("half of the end instead", HALF_CLOSE, error="RemoteDisconnected: The receiver hung up before the head"),
    failed("the end in a head", OK + b"content-le", CLOSE, error="RemoteDisconnected: The receiver hung up inside"),
    failed("the end in a status line", b"HTTP/1.1 20", CLOSE, error="BadStatusLine: HTTP/1.1 20"),
    failed("a reset instead", RESET, error="ConnectionResetError: "),
    failed("a reset in a head", OK, MOMENT, RESET, error="ConnectionResetError: "),
    spoiled("a reset in a body", OK + LENGTH_2 + b"\r\no", 0.3, RESET),
    Case("the end before the request", (CLOSE,), None, reuse=False),
    Case("a reset before the request", (RESET,), None, reuse=False),
]

CASES = [*BODIES, *HEADS, *INTERIM, *ENCODED, *CONNECTIONS]

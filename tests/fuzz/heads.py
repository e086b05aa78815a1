"""Headers and framing as no client library would send them."""

from random import Random

from tests.fuzz.drafts import Request, draft, dumped
from tests.fuzz.known import Known
from tests.fuzz.words import WORDS


def header(chance: Random, known: Known) -> Request:
    """One header is broken, repeated, far too long, or split over lines."""
    made = draft(chance, known)
    name = chance.choice(
        [
            b"x-gateway-secret",
            b"x-gateway-authtoken",
            b"Authorization",
            b"Request-Id",
            b"Idempotency-Key",
            b"Host",
            b"Cookie",
            b"Accept",
            b"Accept-Encoding",
            b"Accept-Language",
            b"Origin",
            b"Referer",
            b"X-Forwarded-For",
            b"X-Forwarded-Host",
            b"X-Forwarded-Proto",
            b"X-HTTP-Method-Override",
            b"Range",
            b"If-Modified-Since",
            b"If-None-Match",
            b"Content-Encoding",
            b"Expect",
            b"User-Agent",
            b"X-" + b"a" * 2_000,
        ]
    )
    value = chance.choice(
        [
            chance.choice(WORDS)
            .encode("utf-8", "surrogatepass")[:20_000]
            .replace(b"\x00", b"")
            .replace(b"\r\n", b"\r\n "),
            chance.choice(WORDS).encode("utf-8", "surrogatepass")[:200],
            b"x\r\nSet-Cookie: a=b",
            b"x\r\n folded",
            b"x" * chance.choice([300, 9_000, 60_000]),
            chance.randbytes(40).replace(b"\n", b"").replace(b"\r", b""),
            b"Token " + known.api_secret.encode(),
            b"eyJhbGciOiJub25lIn0.eyJndWVzdCI6dHJ1ZX0.",
            b"bytes=0-,-1,99999999999999999999-",
            b'W/"\xff", *',
            b"Thu, 99 Foo 9999 99:99:99 GMT",
            b"sessionid=x; csrftoken=" + b"y" * 200,
            b"gzip;q=NaN, *;q=99",
            b"100-continue",
        ]
    )
    told = [pair for pair in made.encoded() if pair[0] != name.lower() or chance.random() < 0.3]
    return made.request(headers=(*told, *[(name, value)] * chance.choice([1, 1, 1, 2, 60])))


def framing(chance: Random, known: Known) -> Request:
    """Lengths that lie, bodies in pieces, versions that are none."""
    made = draft(chance, known, with_body=True)
    body = dumped(made.body)
    piece = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
    lines, sent = chance.choice(
        [
            ([(b"Content-Length", b"-1")], body),
            ([(b"Content-Length", b"abc")], body),
            ([(b"Content-Length", b"+5")], body),
            ([(b"Content-Length", b"9" * 30)], body),
            ([(b"Content-Length", str(len(body)).encode())] * 2, body),
            ([(b"Content-Length", b"0"), (b"Content-Length", str(len(body)).encode())], body),
            ([(b"Content-Length", b"3")], body),
            ([(b"Transfer-Encoding", b"chunked")], piece),
            ([(b"Transfer-Encoding", b"chunked"), (b"Content-Length", b"3")], piece),
            ([(b"Transfer-Encoding", b"chunked")], b"zz\r\n" + body),
            ([(b"Transfer-Encoding", b"chunked")], f"{70_000:x}\r\n".encode() + b"x" * 70_000 + b"\r\n0\r\n\r\n"),
            ([(b"Transfer-Encoding", b"identity, gzip")], body),
            ([(b"Upgrade", b"websocket"), (b"Connection", b"Upgrade"), (b"Sec-WebSocket-Key", b"eA==")], b""),
            ([(b"Upgrade", b"h2c"), (b"HTTP2-Settings", b"AAMAAABk")], b""),
        ]
    )
    version = chance.choice([b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/0.9", b"HTTP/9.9", b"ICY"])
    return made.request(headers=(*made.encoded(), *lines), body=sent, length=False, version=version)

"""Parses HTTP/1.1 responses (RFC 9112): finds the final head, and decides whether a connection may be used again.

http.client parses leniently. That is enough for a status, but not for reusing a connection: if the receiver and this
side disagree where a response ends, a delivery could be credited with another delivery's response.
"""

import re
from functools import lru_cache
from http.client import BadStatusLine, RemoteDisconnected
from typing import BinaryIO, Final

SWITCHING_PROTOCOLS: Final = 101  # the last response in HTTP
REQUEST_TIMEOUT: Final = 408  # often sent on an idle connection, for no request at all
WITHOUT_BODY: Final = frozenset({204, 205, 304})
STATUS_LINE: Final = re.compile(rb"HTTP/1\.[0-9] +([1-9][0-9]{2})(?:[ \t][^\r\n]*)?\r?\n")
# The strict grammar: CR LF, no continued lines, no space before a colon.
HEAD: Final = re.compile(
    rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [\t \x21-\x7e\x80-\xff]*)?\r\n"
    rb"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t \x21-\x7e\x80-\xff]*\r\n)*)\r\n"
)
CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,8})(?:[\t ]*;[\t \x21-\x7e\x80-\xff]*)?\r\n")
TRAILERS: Final = re.compile(rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t \x21-\x7e\x80-\xff]*\r\n)*\r\n")


def final_head(stream: BinaryIO) -> bytes:
    """The head of the first response that is not interim (RFC 9110 §15.2). The stream limits bytes and time.

    Raises BadStatusLine for anything but a response, RemoteDisconnected if the stream ends within or before the head.
    """
    while _is_interim(head := _head(stream)):
        pass
    return head


@lru_cache(128)  # a receiver's responses are identical within a second, including the Date field
def is_reusable(received: bytes) -> bool:
    """Whether the bytes are interim responses and one complete final response, which keeps the connection open."""
    while head := HEAD.match(received):
        minor, status, fields = int(head[1]), int(head[2]), _fields(head[3])
        rest = received[head.end() :]
        if status >= 200:
            return status != REQUEST_TIMEOUT and _persists(minor, fields) and _is_body(rest, minor, status, fields)
        if status == SWITCHING_PROTOCOLS or minor == 0:
            return False
        received = rest
    return False


def _head(stream: BinaryIO) -> bytes:
    lines: list[bytes] = []
    while line := stream.readline():
        if not lines and not STATUS_LINE.fullmatch(line):
            raise BadStatusLine(line[:100].decode("latin-1").strip() or "(an empty line)")
        lines.append(line)
        if line in {b"\r\n", b"\n"}:
            return b"".join(lines)
    raise RemoteDisconnected(f"The receiver hung up {'inside' if lines else 'before'} the head of its response.")


def _is_interim(head: bytes) -> bool:
    line = STATUS_LINE.match(head)
    return line is not None and line[1] != b"101" and line[1].startswith(b"1")


def _fields(block: bytes) -> dict[bytes, list[bytes]]:
    """Field values by lower-case name."""
    fields: dict[bytes, list[bytes]] = {}
    for line in block.splitlines():
        name, _, value = line.partition(b":")
        fields.setdefault(name.lower(), []).append(value.strip(b" \t").lower())
    return fields


def _persists(minor: int, fields: dict[bytes, list[bytes]]) -> bool:
    """Whether the connection persists (RFC 9112 §9.3)."""
    options = {option.strip() for value in fields.get(b"connection", []) for option in value.split(b",")}
    return b"close" not in options and b"upgrade" not in options and (minor == 1 or b"keep-alive" in options)


def _is_body(body: bytes, minor: int, status: int, fields: dict[bytes, list[bytes]]) -> bool:
    """Whether the bytes are exactly the body (RFC 9112 §6.3), with its length stated in one way only."""
    coding, length = fields.get(b"transfer-encoding", []), fields.get(b"content-length", [])
    if status in WITHOUT_BODY:
        return not body and not coding and length in ([], [b"0"])
    if coding:
        return coding == [b"chunked"] and not length and minor == 1 and _is_chunked(body)
    return len(length) == 1 and re.fullmatch(rb"[0-9]{1,9}", length[0]) is not None and int(length[0]) == len(body)


def _is_chunked(body: bytes) -> bool:
    """Whether the bytes are exactly one chunked body (RFC 9112 §7.1): chunks, the last chunk, trailers."""
    while chunk := CHUNK.match(body):
        end = chunk.end() + int(chunk[1], 16)
        if end == chunk.end():
            return TRAILERS.fullmatch(body, end) is not None
        if body[end : end + 2] != b"\r\n":
            return False
        body = body[end + 2 :]
    return False

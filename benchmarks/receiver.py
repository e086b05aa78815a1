"""A thousand partners in one process: every address of 127.0.0.0/8 answers at once, after a delay, or never.

usage: python -m benchmarks.receiver

Prints three ports as JSON: answers at once, after SLOWLY seconds, never. On the first, `GET /` returns and resets the
counts: how many arrived, when the first and the last did (this machine's monotonic clock), and how long each took since
the `recordedAt` of its body, in seconds. `GET /count` only returns how many.
"""

import asyncio
import contextlib
import json
import re
import time
from asyncio import StreamReader, StreamWriter
from functools import partial

SLOWLY = 0.05
RECORDED = re.compile(rb'"recordedAt": ?([0-9.]+)')
LENGTH = re.compile(rb"(?i)\r\ncontent-length: *([0-9]+)")
moments: list[float] = []
took: list[float] = []


async def main() -> None:
    answering = await asyncio.start_server(partial(answer, after=0.0), "0.0.0.0", 0, backlog=4096)
    slow = await asyncio.start_server(partial(answer, after=SLOWLY), "0.0.0.0", 0, backlog=4096)
    hanging = await asyncio.start_server(hang, "0.0.0.0", 0, backlog=4096)
    servers = (answering, slow, hanging)
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


async def answer(reader: StreamReader, writer: StreamWriter, *, after: float) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while head := await reader.readuntil(b"\r\n\r\n"):
            told = b"ok"
            if head.startswith(b"POST"):
                await hear(reader, head)
                await asyncio.sleep(after)
            else:
                told = b"%d" % len(moments) if head.startswith(b"GET /count") else heard()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(told), told))
            await writer.drain()
    writer.close()


async def hear(reader: StreamReader, head: bytes) -> None:
    length = LENGTH.search(head)
    body = await reader.readexactly(int(length[1]) if length else 0)
    moments.append(time.monotonic())
    if recorded := RECORDED.search(body):
        took.append(time.time() - float(recorded[1]))


def heard() -> bytes:
    told = {"count": len(moments), "first": min(moments, default=0), "last": max(moments, default=0), "took": took}
    written = json.dumps(told).encode()
    moments.clear()
    took.clear()
    return written


async def hang(reader: StreamReader, writer: StreamWriter) -> None:
    """Reads everything and never answers."""
    with contextlib.suppress(ConnectionError):
        while await reader.read(65536):
            pass
    writer.close()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())

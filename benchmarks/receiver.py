"""A thousand partners in one process: every address of 127.0.0.0/8 answers at once on one port, hangs on the other.

usage: python -m benchmarks.receiver

Prints its two ports as JSON. `GET /` on the first tells how long each event took to arrive, in seconds from the
`recordedAt` of its body, and forgets them.
"""

import asyncio
import contextlib
import json
import time
from asyncio import StreamReader, StreamWriter

took: list[float] = []


async def main() -> None:
    answering = await asyncio.start_server(answer, "0.0.0.0", 0, backlog=4096)
    hanging = await asyncio.start_server(hang, "0.0.0.0", 0, backlog=4096)
    ports = [server.sockets[0].getsockname()[1] for server in (answering, hanging)]
    print(json.dumps(ports), flush=True)
    async with answering, hanging:
        await asyncio.gather(answering.serve_forever(), hanging.serve_forever())


async def answer(reader: StreamReader, writer: StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while head := await reader.readuntil(b"\r\n\r\n"):
            told = b"ok" if head.startswith(b"POST") else json.dumps(took).encode()
            if head.startswith(b"POST"):
                await hear(reader, head)
            else:
                took.clear()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(told), told))
            await writer.drain()
    writer.close()


async def hear(reader: StreamReader, head: bytes) -> None:
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    body = await reader.readexactly(int(length.partition(b":")[2]))
    took.append(time.time() - json.loads(body)["recordedAt"])


async def hang(reader: StreamReader, writer: StreamWriter) -> None:
    """Takes whatever it is sent, until the sender has had enough."""
    with contextlib.suppress(ConnectionError):
        while await reader.read(65536):
            pass
    writer.close()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())

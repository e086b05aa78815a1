"""A receiver on loopback that plays a script to the first request and is an honest one from then on."""

import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import count
from types import TracebackType
from typing import Self


class Act(Enum):
    """What a receiver does besides sending bytes and waiting."""

    READ = auto()  # the whole request
    IDLE = auto()  # until the sender has the answer
    CLOSE = auto()
    HALF_CLOSE = auto()  # nothing more will be sent, the request is still read
    RESET = auto()


Step = Act | bytes | float
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
NO_LINGER = struct.pack("ii", 1, 0)
HONEST = 299


def honest(body: bytes) -> bytes:
    """The response of an honest receiver repeats the request's body."""
    return b"HTTP/1.1 %d Honest\r\ncontent-length: %d\r\n\r\n" % (HONEST, len(body)) + body


@dataclass
class Player:
    """`requests` has the number of the connection of each whole request, in order."""

    script: Sequence[Step]
    tls: ssl.SSLContext | None = None
    requests: list[int] = field(default_factory=list)
    is_played: threading.Event = field(default_factory=threading.Event)
    is_answered: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self.server = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.server.getsockname()[1]}/hooks"

    def _accept(self) -> None:
        with suppress(OSError):
            for number in count():
                connection, _ = self.server.accept()
                threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with (
            suppress(OSError),
            self.tls.wrap_socket(connection, server_side=True) if self.tls else connection as spoken,
        ):
            self.talk(spoken, number)

    def talk(self, connection: socket.socket, number: int) -> None:
        try:
            is_open = number > 0 or self.play(connection, self.script)
        finally:
            self.is_played.set()
        while is_open and (body := self.read(connection, number)) is not None:
            connection.sendall(honest(body))

    def play(self, connection: socket.socket, steps: Sequence[Step]) -> bool:
        """Whether the connection is still good for more."""
        for step in steps:
            if step is Act.READ:
                self.read(connection, 0)
            elif step is Act.IDLE:
                self.is_answered.wait(10)
            elif isinstance(step, bytes):
                connection.sendall(step)
            elif isinstance(step, float):
                time.sleep(step)
            else:
                return _end(connection, step)
        return True

    def read(self, connection: socket.socket, number: int) -> bytes | None:
        """The body of the next request; None when the other side has hung up."""
        head, body = b"", b""
        while b"\r\n\r\n" not in head:
            if not (part := connection.recv(65536)):
                return None
            head += part
        head, _, body = head.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        while length and len(body) < int(length[1]):
            if not (part := connection.recv(65536)):
                return None
            body += part
        self.requests.append(number)
        return body


def _end(connection: socket.socket, act: Act) -> bool:
    if act is Act.HALF_CLOSE:
        connection.shutdown(socket.SHUT_WR)
        return True
    if act is Act.RESET:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    connection.close()
    return False

"""The load generator: several processes with kept connections, which send the next request after each response.

usage: python -m benchmarks.load < spec.json

Uses raw sockets and prepared requests, because a client library costs more than the measured server. Its own limit
on the machine is measured against a server that does nothing (benchmarks.bare.nothing).
"""

import json
import selectors
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from time import monotonic, perf_counter
from typing import Any, Final

from benchmarks.figures import percentile
from tests.servers import ROOT

PROCESSES: Final = 2
END: Final = b"\r\n\r\n"
LENGTH: Final = b"\r\ncontent-length: "
PATIENCE: Final = 30.0  # seconds until the first response


@dataclass(frozen=True, slots=True)
class Shot:
    """Results of all processes; `took` in seconds, for responses with status 200."""

    took: tuple[float, ...]
    seconds: float
    failures: int

    @property
    def rate(self) -> float:
        return len(self.took) / self.seconds

    @property
    def p99(self) -> float:
        return percentile(self.took, 0.99)

    @property
    def p50(self) -> float:
        return percentile(self.took, 0.5)


class Failed(Exception):
    """The server answered with another status than 200, so there is no figure."""


def shoot(port: int, requests: Sequence[bytes], *, seconds: float, connections: int = 16) -> Shot:
    """A closed loop. Raises Failed if a response is not 200."""
    each = max(1, connections // PROCESSES)
    spec = {"port": port, "seconds": seconds, "connections": each, "requests": [one.decode() for one in requests]}
    running = [_process() for _ in range(min(PROCESSES, connections))]
    for number, process in enumerate(running):
        print(json.dumps(spec | {"first": number * 7919}), file=process.stdin, flush=True)
    told = [json.loads(process.communicate()[0]) for process in running]
    shot = Shot(
        took=tuple(took for one in told for took in one["took"]),
        seconds=max(one["seconds"] for one in told),
        failures=sum(one["failures"] for one in told),
    )
    if shot.failures or not shot.took:
        raise Failed(f"{shot.failures} of {len(shot.took) + shot.failures} requests failed: {told[0]['last']}")
    return shot


def request(method: str, path: str, *, headers: dict[str, str], body: bytes = b"") -> bytes:
    lines = {"host": "127.0.0.1", **headers}
    if body:
        lines |= {"content-type": "application/json", "content-length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


@dataclass(slots=True)
class Line:
    """A connection, and the part of the response that has arrived."""

    socket: socket.socket
    asked: float = 0.0
    came: bytearray = field(default_factory=bytearray)

    def is_answered(self) -> bool:
        """Reads the available bytes; whether the response is complete."""
        part = self.socket.recv(262_144)
        if not part:
            raise ConnectionError("The server closed the connection.")
        self.came += part
        end = self.came.find(END)
        if end < 0:
            return False
        return len(self.came) >= end + len(END) + _length(bytes(self.came[:end]))


def _length(head: bytes) -> int:
    lowered = head.lower()
    at = lowered.find(LENGTH)
    if at < 0:
        raise ValueError(f"A response without a length: {head!r}")
    return int(lowered[at + len(LENGTH) :].partition(b"\r\n")[0])


def _process() -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "benchmarks.load"]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def main() -> None:
    spec = json.loads(sys.stdin.readline())
    json.dump(_loop(spec), sys.stdout)


def _loop(spec: dict[str, Any]) -> dict[str, Any]:
    requests, numbers = [one.encode() for one in spec["requests"]], count(spec["first"])
    chosen = selectors.DefaultSelector()
    took: list[float] = []
    failures, last = 0, ""
    for _ in range(spec["connections"]):
        chosen.register(opened := socket.create_connection(("127.0.0.1", spec["port"])), selectors.EVENT_READ)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    lines = {
        key.fd: Line(socket.fromfd(key.fd, socket.AF_INET, socket.SOCK_STREAM)) for key in chosen.get_map().values()
    }
    began = monotonic()
    until = began + spec["seconds"]
    for line in lines.values():
        line.asked = perf_counter()
        line.socket.sendall(requests[next(numbers) % len(requests)])
    while (now := monotonic()) < until or (not took and not failures and now < began + PATIENCE):
        ready = chosen.select(timeout=max(until - now, 0.1))
        for key, _ in ready:
            line = lines[key.fd]
            if not line.is_answered():
                continue
            if line.came.startswith(b"HTTP/1.1 200"):
                took.append(perf_counter() - line.asked)
            else:
                failures, last = failures + 1, line.came.decode(errors="replace")[:2_000]
            line.came.clear()
            line.asked = perf_counter()
            line.socket.sendall(requests[next(numbers) % len(requests)])
    return {"took": took, "seconds": monotonic() - began, "failures": failures, "last": last}


if __name__ == "__main__":
    main()

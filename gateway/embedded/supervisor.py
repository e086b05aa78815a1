"""Runs web and workers on one machine, restarts processes that die, and stops all within seconds."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final

GRACE_SECONDS: Final = 3.0
LOOK_EVERY: Final = 0.2
QUICK_DEATH_SECONDS: Final = 5
PATIENCE_WITH_QUICK_DEATHS: Final = 5
PR_SET_PDEATHSIG: Final = 1


@dataclass(slots=True)
class Child:
    """A process to keep alive. `deaths` counts deaths in a row soon after a start.

    `environment` is added to the supervisor's. The others continue without a child that is not `is_needed`.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    is_needed: bool = True
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    deaths: int = 0


@dataclass(slots=True)
class Supervisor:
    """`say` informs the operator; `log` receives the children's output, which otherwise goes where ours goes."""

    children: Sequence[Child]
    say: Callable[[str], None]
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    log: Path | None = None
    stopping: bool = False

    def start(self) -> None:
        for child in self.children:
            self._start(child)

    def run(self, *, until: Callable[[], bool] = lambda: False) -> bool:
        """Runs until `until`, SIGINT or SIGTERM. False if a needed child keeps dying."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._asked_to_stop)
        while not self.stopping and not until():
            if not all(self._keep_alive(child) for child in self.children):
                return False
            time.sleep(LOOK_EVERY)  # the supervisor only polls
        return True

    def stop(self) -> None:
        """Terminates all children, and after GRACE_SECONDS kills those that remain, with their descendants."""
        for process in self._alive():
            process.terminate()
        deadline = time.monotonic() + GRACE_SECONDS
        while self._alive() and time.monotonic() < deadline:
            time.sleep(0.05)  # waiting for several processes at once
        for child in self.children:
            _clear_away(child)

    def _start(self, child: Child) -> None:
        child.started = time.monotonic()
        child.process = subprocess.Popen(  # noqa: S603 - the commands are our own
            child.command,
            env={**self.environment, **child.environment},
            start_new_session=True,
            stdout=(words := self.log.open("ab") if self.log else None),
            stderr=words,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - the supervisor has one thread
        )

    def _keep_alive(self, child: Child) -> bool:
        code = child.process.poll() if child.process else None
        if code is None:
            return True
        quick = time.monotonic() - child.started < QUICK_DEATH_SECONDS
        child.deaths = child.deaths + 1 if quick else 0
        if child.deaths >= PATIENCE_WITH_QUICK_DEATHS:
            return self._given_up(child)
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        self.say(f"{child.name} died ({how}); starting it again.")
        _clear_away(child)
        time.sleep(min(child.deaths, 3))  # no busy loop if a process dies at once
        self._start(child)
        return True

    def _given_up(self, child: Child) -> bool:
        """Whether the other children continue."""
        _clear_away(child)
        child.process = None
        self.say(f"{child.name} keeps dying; {'giving up' if child.is_needed else 'continuing without it'}.")
        return not child.is_needed

    def _alive(self) -> "list[subprocess.Popen[bytes]]":
        return [c.process for c in self.children if c.process and c.process.poll() is None]

    def _asked_to_stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True


def web(*, host: str, port: int, environment: Mapping[str, str] | None = None) -> Child:
    """Request heads have 10 s to arrive, bodies the time that gateway.rsgi allows. Only HTTP/1, which proxies use."""
    command = [*_granian(host, port, by="gateway.web"), "--interface", "rsgi", "gateway.rsgi:application"]
    return Child("web", command, environment or {})


def demo_site(*, host: str, port: int, environment: Mapping[str, str]) -> Child:
    """The demo partner's site; nothing of the gateway depends on it."""
    command = [*_granian(host, port), "--interface", "asgi", "--factory", "shop.app:create_app"]
    return Child("demo site", command, environment, is_needed=False)


def _granian(host: str, port: int, *, by: str = "granian") -> list[str]:
    options = ["--host", host, "--port", str(port), "--workers", "1", "--no-ws", "--log-level", "error"]
    options += ["--http", "1", "--http1-header-read-timeout", "10000", "--http1-buffer-size", "65536"]
    return [sys.executable, "-m", by, *options]


def worker(*, concurrency: int = 2) -> Child:
    """Worker and beat in one process, which is only right if there is one worker."""
    return _celery_worker("worker", "-B", "--concurrency", str(concurrency))


def webhook_worker() -> Child:
    """One process that sends many deliveries at once from threads."""
    return _celery_worker("dispatcher", "--pool", "solo", "--queues", "deliveries")


def _celery_worker(name: str, *options: str) -> Child:
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "gateway", "worker", "--hostname", f"{name}@%h"]
    alone = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    return Child(name, [*command, "--loglevel", "WARNING", *alone, *options])


def die_with_parent() -> None:
    """On Linux the kernel kills a child when its supervisor ends, for whatever reason."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _clear_away(child: Child) -> None:
    """Kills the child and its descendants: granian's workers and Celery's beat outlive a killed parent."""
    if child.process:
        with suppress(ProcessLookupError):
            os.killpg(child.process.pid, signal.SIGKILL)
        child.process.wait()

"""A throw-away Redis with a replica, and a Sentinel that makes the replica master when the other is gone."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import redis

from tests import servers
from tests.servers import Daemon, Server, redis_server

MASTER: Final = "queue"
PATIENCE: Final = 20.0  # seconds
SETTINGS: Final = """
bind 127.0.0.1
port {own}
sentinel monitor {master} 127.0.0.1 {port} 1
sentinel down-after-milliseconds {master} 500
sentinel failover-timeout {master} 3000
"""


@dataclass(frozen=True, slots=True)
class Guarded:
    port: int  # the Sentinel's
    master: Server
    replica: Server

    @property
    def url(self) -> str:
        return f"sentinel://127.0.0.1:{self.port}/0"

    def fail_over(self) -> None:
        """The master dies; done when the replica is it."""
        with redis.Redis.from_url(self.master.url) as client:
            client.wait(1, 2000)  # until the replica has it all
        self.master.kill()
        _until(lambda: _sentinel(self.port).sentinel_master(MASTER)["port"] == _port(self.replica))


@contextmanager
def guarded() -> Iterator[Guarded]:
    with (
        redis_server(own=True) as master,
        redis_server(own=True) as replica,
        closing(Daemon(servers.Redis())) as daemon,
    ):
        with redis.Redis.from_url(replica.url) as client:
            client.replicaof("127.0.0.1", _port(master))
            _until(lambda: client.info("replication")["master_link_status"] == "up")
        settings = Path(daemon.directory, "sentinel.conf")
        settings.write_text(SETTINGS.format(own=daemon.port, master=MASTER, port=_port(master)))
        settings.chmod(0o666)  # a Sentinel writes down what it learns
        daemon.command = [master.program, settings.name, "--sentinel"]
        daemon.start()
        _until(lambda: _sentinel(daemon.port).sentinel_master(MASTER)["num-slaves"] == 1)
        yield Guarded(daemon.port, master, replica)


def _port(server: Server) -> int:
    return urlsplit(server.url).port or 0


def _sentinel(port: int) -> Any:
    return redis.Redis(port=port, socket_timeout=2)


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("The Sentinel has not come to it.")
        time.sleep(0.1)

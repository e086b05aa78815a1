"""A throw-away PgBouncer before a throw-away PostgreSQL, where this machine has one."""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tests.servers import Daemon, PostgreSQL, Server

WHERE: Final = "/usr/local/sbin:/usr/sbin:/sbin"
SETTINGS: Final = """
[databases]
* = host={host} port={port} user=postgres

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {connections}
"""


def program() -> str | None:
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path=WHERE)


@contextmanager
def pooled(server: Server, *, database: str, connections: int) -> Iterator[str]:
    """The URL of `database` behind a pooler, which hands on its `connections` at each transaction's end."""
    binary = program()
    if binary is None:
        raise FileNotFoundError("pgbouncer")
    origin = urlsplit(server.url)
    with closing(Daemon(PostgreSQL(durable=False))) as daemon:
        settings = SETTINGS.format(host=origin.hostname, port=origin.port, own=daemon.port, connections=connections)
        Path(daemon.directory, "pgbouncer.ini").write_text(settings)
        daemon.command = [binary, "pgbouncer.ini"]
        daemon.start()
        yield origin._replace(netloc=f"postgres@127.0.0.1:{daemon.port}", path=f"/{database}").geturl()

"""A throw-away PgBouncer before a throw-away PostgreSQL, where this machine has one."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tests.programs import Program
from tests.servers import Daemon, PostgreSQL, Server

PGBOUNCER: Final = Program(("pgbouncer",), package="pgbouncer")
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


@contextmanager
def pooled(server: Server, *, database: str, connections: int) -> Iterator[str]:
    """The URL of `database` behind a pooler, which hands on its `connections` at each transaction's end."""
    origin = urlsplit(server.url)
    with closing(Daemon(PostgreSQL(durable=False))) as daemon:
        settings = SETTINGS.format(host=origin.hostname, port=origin.port, own=daemon.port, connections=connections)
        configuration = Path(daemon.directory, "pgbouncer.ini")
        configuration.write_text(settings)
        configuration.chmod(0o644)  # PgBouncer runs as another user, and the embedded default keeps files private
        daemon.command = [str(PGBOUNCER.on_this_machine()), "pgbouncer.ini"]
        daemon.start()
        yield origin._replace(netloc=f"postgres@127.0.0.1:{daemon.port}", path=f"/{database}").geturl()

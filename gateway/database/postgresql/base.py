"""Django's PostgreSQL backend with two changes: how it checks that a kept connection is alive before a request uses it,
and prepared statements, because planning a statement again takes longer than running it (docs/performance.md).

A connection that the server has closed would cost the next caller a 503, and Django's remedy (CONN_HEALTH_CHECKS)
costs every request a round trip. A server that closes a connection says so: its socket becomes readable. A server that
vanishes says nothing, so a connection is checked with a query from time to time.
"""

from collections.abc import Callable
from select import POLLIN, poll
from time import monotonic
from typing import Any, Final

from django.db.backends.postgresql import base

# Seconds after a successful answer during which an idle connection is trusted.
BELIEVED: Final = 5.0
# Per connection: the server keeps the plan of each in memory.
MOST_PREPARED: Final = 100


class DatabaseWrapper(base.DatabaseWrapper):
    _answered = -BELIEVED
    _prepared: frozenset[str] = frozenset()

    def get_new_connection(self, conn_params: Any) -> Any:
        self._prepared = frozenset()
        return super().get_new_connection(conn_params)

    def has_prepared(self, name: str, text: Callable[[Callable[[Any], str]], str]) -> bool:
        """Whether the server has prepared this statement under its name; prepares it if possible.

        `text` returns the statement; its argument writes a value as SQL. Not for pooled transactions, whose next
        transaction may use another connection. Bypasses Django's cursors, which would count a query.
        """
        if name in self._prepared:
            return True
        if self.settings_dict["DISABLE_SERVER_SIDE_CURSORS"] or len(self._prepared) >= MOST_PREPARED:
            return False
        with self.wrap_database_errors, self.connection.cursor() as cursor:
            cursor.execute(f"PREPARE {name} AS {text(lambda value: cursor.mogrify('%s', (value,)).decode())}")
        self._prepared |= {name}
        return True

    def forget_prepared(self) -> None:
        with self.wrap_database_errors, self.connection.cursor() as cursor:
            cursor.execute("DEALLOCATE ALL")
        self._prepared = frozenset()

    def is_usable(self) -> bool:
        if self._is_quiet() and monotonic() - self._answered < BELIEVED:
            return True
        is_usable = super().is_usable()
        self._answered = monotonic() if is_usable else -BELIEVED
        return is_usable

    def _is_quiet(self) -> bool:
        """Whether nothing has failed on the connection and the server has sent nothing since its last answer."""
        if self.connection is None or self.connection.closed or self.errors_occurred:
            return False
        looked = poll()
        looked.register(self.connection.fileno(), POLLIN)  # a hang-up is always reported
        return not looked.poll(0)

"""Django's PostgreSQL, but for how a kept connection is found to be alive before a request uses it, and for statements
that it has prepared: planning one anew takes longer than answering it (docs/performance.md).

Forces: a connection that the server has closed would cost the next caller a 503, and Django's remedy
(CONN_HEALTH_CHECKS) costs every request a round trip. A server that ends a connection says so: there is something to
read at its socket, or the end. One that vanished says nothing, so that it is asked from time to time all the same.
"""

from collections.abc import Callable
from select import POLLIN, poll
from time import monotonic
from typing import Any, Final

from django.db.backends.postgresql import base

# How long an answer is believed while nothing speaks against it, in seconds.
BELIEVED: Final = 5.0
# Of one connection: the server keeps a plan of each in memory.
MOST_PREPARED: Final = 100


class DatabaseWrapper(base.DatabaseWrapper):
    _answered = -BELIEVED
    _prepared: frozenset[str] = frozenset()

    def get_new_connection(self, conn_params: Any) -> Any:
        self._prepared = frozenset()
        return super().get_new_connection(conn_params)

    def has_prepared(self, name: str, text: Callable[[Callable[[Any], str]], str]) -> bool:
        """Whether the server knows this statement by its name, which it is given now if it may be.

        `text` gives the statement, from how a value is written down. Not where transactions are pooled: the next one
        may be another connection's. Past Django's cursors: nobody asked anything.
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
        """Nothing has failed on it, and the server has not said a word since its last answer."""
        if self.connection is None or self.connection.closed or self.errors_occurred:
            return False
        looked = poll()
        looked.register(self.connection.fileno(), POLLIN)  # a hang-up is reported unasked
        return not looked.poll(0)

"""Django's PostgreSQL backend with one change: how it checks that a kept connection is alive before a request uses it.

A connection that the server has closed would cost the next caller a 503, and Django's remedy (CONN_HEALTH_CHECKS)
costs every request a round trip. A server that closes a connection says so: its socket becomes readable. A server that
vanishes says nothing, so a connection is checked with a query from time to time.
"""

from select import POLLIN, poll
from time import monotonic
from typing import Final

from django.db.backends.postgresql import base

# Seconds after a successful answer during which an idle connection is trusted.
BELIEVED: Final = 5.0


class DatabaseWrapper(base.DatabaseWrapper):
    _answered = -BELIEVED

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

"""Django's PostgreSQL, but for how a kept connection is found to be alive before a request uses it.

Forces: a connection that the server has closed would cost the next caller a 503, and Django's remedy
(CONN_HEALTH_CHECKS) costs every request a round trip. A server that ends a connection says so: there is something to
read at its socket, or the end. One that vanished says nothing, so that it is asked from time to time all the same.
"""

from select import POLLIN, poll
from time import monotonic
from typing import Final

from django.db.backends.postgresql import base

# How long an answer is believed while nothing speaks against it, in seconds.
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
        """Nothing has failed on it, and the server has not said a word since its last answer."""
        if self.connection is None or self.connection.closed or self.errors_occurred:
            return False
        looked = poll()
        looked.register(self.connection.fileno(), POLLIN)  # a hang-up is reported unasked
        return not looked.poll(0)

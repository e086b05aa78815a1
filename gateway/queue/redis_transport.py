"""Production's queue: kombu's Redis transport, which keeps no book of bells that were fetched and not yet answered.

A bell is a hint: the row says what is owed, and the sweep rings again. Kombu would write each bell down in Redis when
it is fetched and strike it out when it is answered, two of three commands that a worker sends there; give it back an
hour after a worker has died with it, when its fence is long out of date; and put what is unanswered back when its
connection is lost. Over that same connection, as Celery 5.7 does it, this ends in an AttributeError that ends the
worker.
"""

from typing import Final

from kombu.transport import TRANSPORT_ALIASES, redis


class Channel(redis.Channel):
    ack_emulation = False
    do_restore = False


class Transport(redis.Transport):
    Channel = Channel


class SentinelChannel(redis.SentinelChannel):
    ack_emulation = False
    do_restore = False


class SentinelTransport(redis.SentinelTransport):
    Channel = SentinelChannel


SCHEMES: Final = {"redis": Transport, "rediss": Transport, "sentinel": SentinelTransport}


def install() -> None:
    """`redis://`, `rediss://` and `sentinel://` mean these from here on."""
    TRANSPORT_ALIASES.update({scheme: f"{__name__}:{ours.__name__}" for scheme, ours in SCHEMES.items()})

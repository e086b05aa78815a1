"""Production's queue: kombu's Redis transport, which gives nothing back when its connection is lost.

Kombu would put bells that were fetched, and not yet answered, back into the queue. Over the connection that has just
been lost, as Celery 5.7 does it, this ends in an AttributeError that ends the worker. A bell is a hint: the row says
what is owed, and the sweep rings again.
"""

from typing import Final

from kombu.transport import TRANSPORT_ALIASES, redis


class Channel(redis.Channel):
    do_restore = False


class Transport(redis.Transport):
    Channel = Channel


class SentinelChannel(redis.SentinelChannel):
    do_restore = False


class SentinelTransport(redis.SentinelTransport):
    Channel = SentinelChannel


SCHEMES: Final = {"redis": Transport, "rediss": Transport, "sentinel": SentinelTransport}


def install() -> None:
    """`redis://`, `rediss://` and `sentinel://` mean these from here on."""
    TRANSPORT_ALIASES.update({scheme: f"{__name__}:{ours.__name__}" for scheme, ours in SCHEMES.items()})

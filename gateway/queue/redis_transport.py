"""Production's queue: kombu's Redis transport, without its record of messages that were fetched and not acknowledged.

A wake-up message is a hint: the row is the record, and the sweep sends another. Kombu would record each message in
Redis when it is fetched and delete it when it is acknowledged, two of three commands that a worker sends there; give
it back an hour after a worker has died with it, when its fencing token is long out of date; and put unacknowledged
messages back when its connection is lost. Over that same connection, as Celery 5.7 does it, this ends in an
AttributeError that ends the worker.
"""

from typing import Final

from kombu.transport import TRANSPORT_ALIASES, redis


class RedisChannel(redis.Channel):
    ack_emulation = False
    do_restore = False


class RedisTransport(redis.Transport):
    Channel = RedisChannel


class SentinelChannel(redis.SentinelChannel):
    ack_emulation = False
    do_restore = False


class SentinelTransport(redis.SentinelTransport):
    Channel = SentinelChannel


SCHEMES: Final = {"redis": RedisTransport, "rediss": RedisTransport, "sentinel": SentinelTransport}


def install() -> None:
    """`redis://`, `rediss://` and `sentinel://` mean these from here on."""
    TRANSPORT_ALIASES.update({scheme: f"{__name__}:{ours.__name__}" for scheme, ours in SCHEMES.items()})

"""The queue in production: kombu's Redis transport without its record of unacknowledged messages.

A wake-up message is only a hint: pending work is in the row, and the sweep sends another message. Kombu would record
each message in Redis when it is fetched and delete it when it is acknowledged: two of the three commands that a worker
sends. It would return a message an hour after its worker died, when its fencing token is long out of date. And it
would put unacknowledged messages back when a connection is lost, over that same connection, which in Celery 5.7 ends
in an AttributeError that ends the worker.
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
    """Makes `redis://`, `rediss://` and `sentinel://` mean these transports."""
    TRANSPORT_ALIASES.update({scheme: f"{__name__}:{ours.__name__}" for scheme, ours in SCHEMES.items()})

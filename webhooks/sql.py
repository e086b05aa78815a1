"""Hot statements about events and deliveries, as plain SQL."""

from collections.abc import Collection, Iterable
from datetime import datetime

from gateway.database.rows import Only, RowReader, ValuesOf, locking
from gateway.models import Gateway
from gateway.queue.sql import is_due
from webhooks.models import Delivery, Endpoint, Event

_LISTENER = RowReader(p=Only(Endpoint, "types"))
_DELIVERY_AND_EVENT = RowReader(d=Delivery, e=Event)
_ENDPOINT_AND_GATEWAY = RowReader(p=Endpoint, g=Gateway)
_TOKEN = RowReader(d=ValuesOf(Delivery, "id", "attempts"))
# An earlier event of the same subject, still due to the same endpoint.
_PREDECESSOR = (
    "SELECT 1 FROM webhooks_delivery b JOIN webhooks_event f ON f.id = b.event_id"
    " WHERE b.status = 'DUE' AND b.endpoint_id = d.endpoint_id"
    " AND f.gateway_id = d.gateway_id AND f.subject = e.subject AND f.sequence < e.sequence"
)


def listeners(gateway: int) -> list[Endpoint]:
    """The enabled endpoints, each with its types."""
    return _LISTENER.select_each("FROM webhooks_endpoint p WHERE p.gateway_id = %s AND p.is_enabled", gateway)


def due_deliveries(
    clocks: Iterable[tuple[int | None, datetime]], *, closed: Collection[int], limit: int
) -> list[Delivery]:
    """Those next in line, with event, endpoint and gateway; bulk last, the longest due first.

    Locked; a row that another has locked is skipped. In the order of an index: a tie that were settled by the key
    would have all of them sorted.
    """
    due, moments = is_due("d", clocks)
    excluded = [tuple(closed)] if closed else []
    rows = _DELIVERY_AND_EVENT.select(
        "FROM webhooks_delivery d"
        " JOIN webhooks_event e ON e.id = d.event_id JOIN webhooks_endpoint p ON p.id = d.endpoint_id"
        f" WHERE d.status = 'DUE' AND p.is_enabled AND NOT EXISTS ({_PREDECESSOR}) AND {due}"
        f"{' AND d.endpoint_id NOT IN %s' * len(excluded)}"
        f" ORDER BY d.is_bulk, d.due_at LIMIT %s {locking('FOR UPDATE OF d SKIP LOCKED')}",
        *moments,
        *excluded,
        limit,
    )
    endpoints = _endpoints({delivery.endpoint_id for delivery, _ in rows})
    for delivery, delivery.event in rows:
        delivery.endpoint = endpoints[delivery.endpoint_id]
        delivery.gateway = delivery.endpoint.gateway
    return [delivery for delivery, _ in rows]


def _endpoints(keys: Collection[int]) -> dict[int, Endpoint]:
    """By key, each with its gateway: once for all of their deliveries."""
    rows = _ENDPOINT_AND_GATEWAY.select(
        "FROM webhooks_endpoint p JOIN gateway_gateway g ON g.id = p.gateway_id WHERE p.id IN %s", tuple(keys)
    )
    endpoints = {}
    for endpoint, endpoint.gateway in rows:
        endpoints[endpoint.pk] = endpoint
    return endpoints


def fencing_tokens(deliveries: Collection[int]) -> dict[int, int]:
    """By key, locked in the order of the keys. A process that outlived its lease has an older one."""
    return dict(
        _TOKEN.select(
            f"FROM webhooks_delivery d WHERE d.id IN %s ORDER BY d.id {locking('FOR UPDATE')}", tuple(deliveries)
        )
    )

"""Metrics by name. Counting is cheap, safe anywhere, and never breaks the code that counts.

Every metric has a label: without a label it would create files as soon as a command imports this module. Help texts are
short, because prometheus-client stores them with each value.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Histogram, Summary, values

from gateway.telemetry.metric_files import MetricSlot

BrokerOutcome = Literal["answered", "refused", "unreachable", "session_ended", "failed"]
DeliveryOutcome = Literal["delivered", "failed", "given_up"]

_slot = MetricSlot()
values.ValueClass = values.MultiProcessValue(process_identifier=_slot)  # type: ignore[no-untyped-call]
_slot.release()

REGISTRY: Final = CollectorRegistry()  # of this process; a scrape reads the files of all processes
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
ENDPOINTS_LABELLED: Final = 1000
QUICK: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
REMOTE: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
PATIENT: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 18_000, 43_200, 86_400)

REQUESTS: Final = Histogram(
    "gateway_request_seconds", "Requests", ["route", "method", "status"], buckets=QUICK, registry=REGISTRY
)
RATE_LIMITED: Final = Counter("gateway_rate_limited", "Requests answered 429", ["scope"], registry=REGISTRY)
EVENTS: Final = Counter("gateway_events_recorded", "Events recorded", ["type"], registry=REGISTRY)
DELIVERIES: Final = Histogram(
    "gateway_delivery_seconds", "Attempts to deliver", ["outcome"], buckets=QUICK, registry=REGISTRY
)
DELIVERY_LAG: Final = Histogram(
    "gateway_delivery_lag_seconds", "Event to its outcome", ["outcome"], buckets=PATIENT, registry=REGISTRY
)
ENDPOINT: Final = Summary("gateway_endpoint_delivery_seconds", "Attempts", ["endpoint"], registry=REGISTRY)
ENDPOINT_FAILURES: Final = Counter("gateway_endpoint_failures", "Failed attempts", ["endpoint"], registry=REGISTRY)
BROKER_CALLS: Final = Counter(
    "gateway_broker_calls", "Calls of brokers", ["broker", "verb", "outcome"], registry=REGISTRY
)
BROKER_SECONDS: Final = Histogram(
    "gateway_broker_call_seconds", "Calls of brokers", ["broker", "verb"], buckets=REMOTE, registry=REGISTRY
)
ORDERS: Final = Counter("gateway_orders", "Orders ended or of unknown outcome", ["status"], registry=REGISTRY)
FILLS: Final = Counter("gateway_fills", "Reports with new fills", ["side"], registry=REGISTRY)
TASKS: Final = Histogram("gateway_task_seconds", "Tasks", ["name", "outcome"], buckets=QUICK, registry=REGISTRY)
MESSAGES_LOST: Final = Counter("gateway_messages_lost", "Wake-up messages not sent", ["task"], registry=REGISTRY)
# The same under the last release's name, for one release.
BELLS_LOST: Final = Counter("gateway_bells_lost", "Now gateway_messages_lost", ["job"], registry=REGISTRY)

_labelled: set[int] = set()
_uncounted = suppress(OSError)  # the files are unavailable: gateway.telemetry.metric_files has logged it


def requested(*, route: str, method: str, status: int, seconds: float) -> None:
    with _uncounted:
        labels = route, method if method in METHODS else "other", f"{status // 100}xx"
        REQUESTS.labels(*labels).observe(seconds)


def rate_limited(*, scope: str) -> None:
    """`scope` names the limit, never the caller."""
    with _uncounted:
        RATE_LIMITED.labels(scope).inc()


def events_recorded(*, kind: str, number: int = 1) -> None:
    with _uncounted:
        EVENTS.labels(kind).inc(number)


def delivered(*, endpoint_id: int, outcome: DeliveryOutcome, seconds: float, lag_seconds: float | None = None) -> None:
    """Counts an attempt after it is recorded. `lag_seconds`: since the event, if the delivery has ended."""
    with _uncounted:
        _from_zero(DELIVERIES, *(("delivered",), ("failed",), ("given_up",)))
        DELIVERIES.labels(outcome).observe(seconds)
        endpoint = _label_of(endpoint_id)
        ENDPOINT.labels(endpoint).observe(seconds)
        if outcome != "delivered":
            ENDPOINT_FAILURES.labels(endpoint).inc()
        if lag_seconds is not None:
            DELIVERY_LAG.labels(outcome).observe(max(lag_seconds, 0))


def broker_called(*, broker: str, verb: str, outcome: BrokerOutcome, seconds: float) -> None:
    with _uncounted:
        BROKER_CALLS.labels(broker, verb, "unreachable")  # from zero, as _from_zero
        BROKER_CALLS.labels(broker, verb, outcome).inc()
        BROKER_SECONDS.labels(broker, verb).observe(seconds)


def orders_settled(*, statuses: Mapping[str, int], fills: Mapping[str, int]) -> None:
    """How many orders reached each status, and how many were filled further on each side."""
    with _uncounted:
        for status, number in statuses.items():
            ORDERS.labels(status).inc(number)
        for side, number in fills.items():
            FILLS.labels(side).inc(number)


def task_done(*, name: str, outcome: str, seconds: float) -> None:
    with _uncounted:
        _from_zero(TASKS, (name, "failed"))
        TASKS.labels(name, outcome).observe(seconds)


def message_lost(*, task: str) -> None:
    with _uncounted:
        MESSAGES_LOST.labels(task).inc()
        BELLS_LOST.labels(task).inc()


def _from_zero(metric: Histogram, *labels: tuple[str, ...]) -> None:
    """Creates the series with value 0: Prometheus sees no increase in a series that begins at 1."""
    for values_of_labels in labels:
        metric.labels(*values_of_labels)


def _label_of(endpoint_id: int) -> str:
    """The first thousand endpoints that a process counts have their own label."""
    if endpoint_id in _labelled or len(_labelled) < ENDPOINTS_LABELLED:
        _labelled.add(endpoint_id)
        return str(endpoint_id)
    return "other"

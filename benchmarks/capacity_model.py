"""From orders a day to rows, bytes, rates and processes. Pure; `benchmarks.capacity` is its command."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from benchmarks.queueing import servers_for

DAY: Final = 86_400
HOUR: Final = 3_600
# Connections of a web process besides one per thread: those of /readyz and of /metrics.
WATCHING: Final = 2
# webhooks.events.retention runs hourly: CHUNK × CHUNKS_AT_ONCE events of one gateway.
FORGOTTEN_AN_HOUR: Final = 200_000
# gateway.api.idempotency keeps a response for this long.
KEYS_KEPT_DAYS: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The traffic. `peak` is the busiest second's rate over the average rate in a day of `hours`."""

    orders_per_day: float
    basket_size: float = 10
    gateways: int = 1
    endpoints: float = 1  # per gateway
    events_per_basket: float = 2
    tries_per_delivery: float = 1.05
    reads_per_basket: float = 5
    keyed: float = 1.0  # share of baskets with an Idempotency-Key
    hosted: float = 1.0  # share through the hosted checkout
    smallcases: float = 0.5  # share of smallcase orders
    newcomers: float = 0.1  # share with a new account
    simulated: bool = True
    hours: float = 6.25  # NSE's session
    peak: float = 5.0
    events_kept_days: float = 90
    rest_kept_days: float = 365

    @property
    def baskets(self) -> float:
        """Baskets per day."""
        return self.orders_per_day / self.basket_size

    @property
    def events(self) -> float:
        return self.baskets * self.events_per_basket

    @property
    def deliveries(self) -> float:
        return self.events * self.endpoints

    def at_peak(self, a_day: float) -> float:
        """The peak rate per second."""
        return a_day / (self.hours * HOUR) * self.peak


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """The measured rates of one process per second. `worker` is one of a worker's `--concurrency` processes."""

    web: float
    worker_orders: float
    dispatcher: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """At most the share `late` waits longer than `patience` seconds; processes are used up to the share `busiest`."""

    patience: float = 1.0
    late: float = 0.01
    busiest: float = 0.6
    web_threads: int = 16
    concurrency: int = 4


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    a_day: float
    kept_days: float
    bytes_each: float

    @property
    def rows(self) -> float:
        return self.a_day * self.kept_days

    @property
    def bytes(self) -> float:
        return self.rows * self.bytes_each


@dataclass(frozen=True, slots=True)
class Station:
    """A kind of process: its peak rate, the rate of one process, and how many processes it needs."""

    name: str
    unit: str
    arrivals: float
    service: float
    processes: int


def rows_a_day(load: Load) -> dict[str, tuple[float, float]]:
    """By table: new rows per day, and for how many days they are kept."""
    rest, events = load.rest_kept_days, load.events_kept_days
    orders, baskets = load.orders_per_day, load.baskets
    newcomers = baskets * load.newcomers
    growing = {
        "transactions_transaction": (baskets, rest),
        "transactions_checkoutsession": (baskets * load.hosted, rest),
        "transactions_batch": (baskets, rest),
        "transactions_order": (orders, rest),
        "smallcases_investmentfill": (orders * load.smallcases, rest),
        "smallcases_investment": (newcomers * load.smallcases, rest),
        "gateway_account": (newcomers, rest),
        "gateway_idempotentrequest": (baskets * load.keyed, KEYS_KEPT_DAYS),
        "webhooks_event": (load.events, events),
        "webhooks_delivery": (load.deliveries, events),
        "webhooks_attempt": (load.deliveries * load.tries_per_delivery, events),
    }
    books = {
        "simulator_simaccount": (newcomers, rest),
        "simulator_simorder": (orders, rest),
        "simulator_simtrade": (orders, rest),
    }
    return growing | books if load.simulated else growing


def tables(load: Load, row_bytes: Mapping[str, float]) -> list[Table]:
    """The largest first. ValueError if a table's row size is missing."""
    wanted = rows_a_day(load)
    if missing := sorted(wanted.keys() - row_bytes.keys()):
        raise ValueError(f"Bytes per row are missing for {', '.join(missing)}.")
    found = [Table(name, a_day, kept, row_bytes[name]) for name, (a_day, kept) in wanted.items()]
    return sorted(found, key=lambda table: -table.bytes)


def peaks(load: Load) -> list[tuple[str, str, float]]:
    """The peak rate of each kind of process: (process, unit, rate per second)."""
    return [
        ("web", "requests", load.at_peak(load.baskets * (1 + load.reads_per_basket))),
        ("worker", "baskets", load.at_peak(load.baskets)),
        ("dispatcher", "deliveries", load.at_peak(load.deliveries * load.tries_per_delivery)),
    ]


def stations(load: Load, rates: Rates, wanted: Wanted) -> list[Station]:
    each = {"web": rates.web, "worker": rates.worker_orders / load.basket_size, "dispatcher": rates.dispatcher}
    return [_station(name, unit, arrivals, each[name], wanted) for name, unit, arrivals in peaks(load)]


def _station(name: str, unit: str, arrivals: float, service: float, wanted: Wanted) -> Station:
    processes = servers_for(
        arrivals=arrivals, service=service, patience=wanted.patience, late=wanted.late, busiest=wanted.busiest
    )
    return Station(name, unit, arrivals, service, processes)


def connections(found: list[Station], wanted: Wanted) -> int:
    """To PostgreSQL without a pooler, if every thread has one; the beat has none."""
    each = {"web": wanted.web_threads + WATCHING, "worker": 1, "dispatcher": 1}
    return sum(station.processes * each[station.name] for station in found)


def workers(found: list[Station], wanted: Wanted) -> int:
    """Workers to start, with `--concurrency` processes each."""
    return math.ceil(next(one.processes for one in found if one.name == "worker") / wanted.concurrency)


def warnings(load: Load) -> list[str]:
    """Limits that more machines do not raise."""
    per_gateway = load.events / load.gateways
    if per_gateway > FORGOTTEN_AN_HOUR * 24:
        return [
            f"{per_gateway:,.0f} events a day of one gateway are more than the {FORGOTTEN_AN_HOUR * 24:,} that are "
            "deleted a day (webhooks.events.retention): the tables of events would grow without limit."
        ]
    return []

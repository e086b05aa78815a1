"""Capacity: from orders a day to rows, bytes, deliveries a second and processes. A simulation checks the processes.

usage: python -m benchmarks.capacity [--orders-per-day N] [--row-bytes FILE] [--rates FILE] [--json] [more: --help]

Without options: a million orders a day, and row sizes from benchmarks/measured. FILE of --row-bytes is the output of
`python -m benchmarks.row_sizes --json`. FILE of --rates is JSON with the measured rate of one process per second:
{"web": requests, "worker_orders": orders, "dispatcher": deliveries};
--web-rate, --worker-rate and --dispatcher-rate replace single rates. Rates have no defaults, because every machine
differs; without rates the report has rows, bytes and peak rates but no processes.
The exit code is 1 if more work waits in the simulation than the model says, and 2 if an input is missing.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table as Grid

from benchmarks import capacity_model as model
from benchmarks.queueing import Waited, simulate, waits_longer

# Length of the simulation at the peak's rate; JOBS is a limit for high rates.
SECONDS: Final = 900.0
JOBS: Final = 200_000
# How much a simulation of this length may differ from the model.
CHANCE: Final = 1.25
WIDE: Final = 110
ORDERS_PER_DAY: Final = 1e6
ROW_BYTES: Final = Path(__file__).parent / "measured" / "row_sizes.json"
GIB: Final = 1 << 30
Checked = list[tuple[model.Station, Waited]]


def main(arguments: Sequence[str]) -> int:
    wanted = _parsed(arguments)
    try:
        load, limits = _of(model.Load, wanted), _of(model.Wanted, wanted)
        tables = model.tables(load, _row_bytes(wanted.row_bytes))
        rates = _rates(wanted)
    except (ValueError, KeyError, TypeError, OSError) as refusal:
        print(f"capacity: {refusal}", file=sys.stderr)
        return 2
    stations = model.stations(load, rates, limits) if rates else []
    checked = [(station, _simulated(station, wanted.seed)) for station in stations]
    tell = _tell_json if wanted.json else _tell
    tell(load, limits, tables, checked)
    return int(any(is_slower(station, seen, limits) for station, seen in checked))


def is_slower(station: model.Station, seen: Waited, limits: model.Wanted) -> bool:
    """Whether the simulation's 99th percentile is above the wait that is allowed for 99 of 100 jobs."""
    promised = waits_longer(
        limits.patience, servers=station.processes, arrivals=station.arrivals, service=station.service
    )
    return promised <= 0.01 and seen.p99 > limits.patience * CHANCE


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.capacity", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    told_of_orders = f"(default {ORDERS_PER_DAY:,.0f})"
    parser.add_argument(
        "--orders-per-day", type=_number("orders_per_day", 0.0), default=ORDERS_PER_DAY, help=told_of_orders
    )
    for kind, told_of in ((model.Load, LOADS), (model.Wanted, LIMITS)):
        for name, told in told_of.items():
            default = kind.__dataclass_fields__[name].default
            helped = f"{told} (default {default})"
            parser.add_argument(_flag(name), type=_number(name, default), default=default, help=helped)
    parser.add_argument("--real-brokers", dest="simulated", action="store_false", help="without simulated brokers")
    parser.add_argument("--row-bytes", type=Path, default=ROW_BYTES, metavar="FILE", help="(default: as measured)")
    parser.add_argument("--rates", type=Path, metavar="FILE")
    for name in RATES:
        parser.add_argument(f"--{name}-rate", type=_number("rate", 0.0), metavar="N", help="per second, of one process")
    parser.add_argument("--seed", type=int, default=1, help="seed of the simulation (default 1)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args(arguments)


LOADS: Final = {
    "basket_size": "orders per basket",
    "gateways": "partners",
    "endpoints": "webhook endpoints per partner",
    "events_per_basket": "events per basket",
    "tries_per_delivery": "attempts per delivery",
    "reads_per_basket": "GETs per basket",
    "keyed": "share of baskets with an Idempotency-Key",
    "hosted": "share through the hosted checkout",
    "smallcases": "share of smallcase orders",
    "newcomers": "share with a new account",
    "hours": "hours of the day with traffic",
    "peak": "rate of the busiest second over the average rate",
    "events_kept_days": "WEBHOOK_RETENTION_DAYS",
    "rest_kept_days": "days that all other rows are kept (they are never deleted)",
}
LIMITS: Final = {
    "patience": "seconds that work may wait before it starts",
    "late": "share of the work that may wait longer",
    "busiest": "share of a process's time that is used at the peak",
    "web_threads": "WEB_THREADS",
    "concurrency": "processes per worker",
}
PARTS: Final = frozenset({"keyed", "hosted", "smallcases", "newcomers", "late", "busiest"})
NEVER_ZERO: Final = frozenset({"basket_size", "gateways", "hours", "busiest", "web_threads", "concurrency", "rate"})
MOST: Final = 1e15
RATES: Final = {"web": "web", "worker": "worker_orders", "dispatcher": "dispatcher"}


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _number(name: str, default: object) -> Callable[[str], float]:
    """Parses and checks an option. argparse shows a ValueError with the option's name."""
    low, high = (0.0, 1.0) if name in PARTS else (0.0, MOST)

    def number(text: str) -> float:
        found = int(text) if isinstance(default, int) else float(text)
        if not low <= found <= high or (found == 0 and name in NEVER_ZERO):
            raise ValueError(text)
        return found

    return number


def _of(kind: type[Any], wanted: argparse.Namespace) -> Any:
    return kind(**{field.name: getattr(wanted, field.name) for field in fields(kind)})


def _row_bytes(path: Path) -> dict[str, float]:
    return {name: float(size) for name, size in json.loads(path.read_text())["bytes"].items()}


def _rates(wanted: argparse.Namespace) -> model.Rates | None:
    """None if no rates are given: then no processes are reported. ValueError if only some are given."""
    measured = json.loads(wanted.rates.read_text()) if wanted.rates else {}
    given = {name: getattr(wanted, f"{flag}_rate") for flag, name in RATES.items()}
    known = {name: float(rate) for name, rate in {**measured, **{n: r for n, r in given.items() if r}}.items()}
    if not known:
        return None
    if missing := [flag for flag, name in RATES.items() if name not in known]:
        raise ValueError(f"Rates of one process are missing: {', '.join(missing)}.")
    return model.Rates(**{name: known[name] for name in RATES.values()})


def _simulated(station: model.Station, seed: int) -> Waited:
    seconds = min(SECONDS, JOBS / station.arrivals) if station.arrivals else 0.0
    return simulate(
        servers=station.processes, arrivals=station.arrivals, service=station.service, seconds=seconds, seed=seed
    )


def _tell(load: model.Load, limits: model.Wanted, tables: list[model.Table], checked: Checked) -> None:
    out = Console(width=WIDE)
    rows = Grid("table", "rows a day", "kept days", "rows", "bytes each", "GiB", title="Rows", title_justify="left")
    for one in tables:
        rows.add_row(one.name, *_numbers(one.a_day, one.kept_days, one.rows, one.bytes_each), f"{one.bytes / GIB:,.1f}")
    rows.add_row("all", "", "", f"{sum(one.rows for one in tables):,.0f}", "", f"{_gib(tables):,.1f}")
    out.print(rows)
    peaks = ", ".join(f"{arrivals:,.1f} {unit}/s" for _, unit, arrivals in model.peaks(load))
    out.print(f"At the peak: {peaks}.")
    if checked:
        _tell_processes(out, limits, checked)
    for sentence in model.warnings(load):
        out.print(f"[bold]{sentence}")


def _tell_processes(out: Console, limits: model.Wanted, checked: Checked) -> None:
    heads = ("process", "at the peak", "one does", "processes", "busy", "p99 wait")
    work = Grid(*heads, title="Processes", title_justify="left")
    for station, seen in checked:
        work.add_row(
            station.name,
            f"{station.arrivals:,.1f} {station.unit}/s",
            f"{station.service:,.1f}/s",
            str(station.processes),
            f"{seen.utilisation:.0%}",
            f"{seen.p99 * 1000:,.0f} ms",
        )
    out.print(work)
    stations = [station for station, _ in checked]
    out.print(f"Workers of --concurrency {limits.concurrency}: {model.workers(stations, limits)}. One beat.")
    out.print(f"Connections to PostgreSQL without a pooler: {model.connections(stations, limits)}.")
    out.print("busy and p99 wait: simulated, with arrivals at the peak's rate.")


def _numbers(*numbers: float) -> list[str]:
    return [f"{number:,.0f}" for number in numbers]


def _gib(tables: list[model.Table]) -> float:
    return sum(one.bytes for one in tables) / GIB


def _tell_json(load: model.Load, limits: model.Wanted, tables: list[model.Table], checked: Checked) -> None:
    stations = [station for station, _ in checked]
    found = {
        "load": asdict(load),
        "tables": [{**asdict(one), "rows": one.rows, "bytes": one.bytes} for one in tables],
        "bytes": sum(one.bytes for one in tables),
        "processes": [{**asdict(station), "simulated": asdict(seen)} for station, seen in checked],
        "peaks": {unit: arrivals for _, unit, arrivals in model.peaks(load)},
        "workers": model.workers(stations, limits) if stations else None,
        "connections": model.connections(stations, limits) if stations else None,
        "warnings": model.warnings(load),
    }
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

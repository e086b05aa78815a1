"""Computes the index of past trading days. Twice is safe: only days without a value get one."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Prefetch
from django.db.transaction import atomic

from brokers.models import Instrument
from gateway.values.timestamps import IST
from smallcases.catalogue.selectors import closes, trading_days, weights_of
from smallcases.models import Constituent, IndexValue, Performance, Smallcase, Version
from smallcases.portfolio.index import (
    HIGH_RISK,
    LOW_RISK,
    Close,
    Era,
    Point,
    base_day,
    measures,
    missing_values,
    risk_ratio,
)


def index_smallcases(
    *, now: datetime, scids: Collection[str] | None = None, progress: Callable[[int], None] = lambda total: None
) -> int:
    """Returns the number of new values. `scids` None: all. `progress` gets the total number, after each smallcase."""
    rows = Smallcase.objects.select_related("benchmark").order_by("launched_on")
    smallcases = list(rows if scids is None else rows.filter(scid__in=scids))
    if not smallcases:
        return 0
    ends = _closed_days(smallcases[0].launched_on, now)
    close = closes(list(Instrument.objects.all()), ends)
    added = 0
    for smallcase in smallcases:
        added += _index(smallcase, ends, close)
        progress(len(smallcases))
    return added


def _closed_days(first: date, now: datetime) -> dict[date, datetime]:
    """Trading days since `first` whose session has ended, with its end."""
    return {day: end for day, end in trading_days(first, now.astimezone(IST).date()).items() if end <= now}


def _index(smallcase: Smallcase, ends: Mapping[date, datetime], close: Close) -> int:
    """Two workers at once compute the same values; each value is written once."""
    known = dict(IndexValue.objects.filter(smallcase=smallcase).order_by("day").values_list("day", "value"))
    days = [day for day in ends if day >= smallcase.launched_on]
    if set(days) <= known.keys():
        return 0
    new = list(missing_values(eras=_eras(smallcase, days, ends), days=days, close=close, known=known))
    with atomic(durable=True):
        IndexValue.objects.bulk_create(
            (IndexValue(smallcase=smallcase, day=day, value=value) for day, value in new),
            ignore_conflicts=True,
            batch_size=500,
        )
        points = sorted([*known.items(), *new])
        _keep_performance(smallcase, points)
        ticker = smallcase.benchmark.symbol
        _keep_risk(smallcase, risk_ratio(points, [(day, close(ticker, day)) for day, _ in points if day in ends]))
    return len(new)


def _eras(smallcase: Smallcase, days: Sequence[date], ends: Mapping[date, datetime]) -> list[Era]:
    """The first version counts from the first day, each later version from the first close after its publication."""
    constituents = Prefetch("constituents", Constituent.objects.select_related("instrument"))
    versions = list(Version.objects.filter(smallcase=smallcase).order_by("number").prefetch_related(constituents))
    bases = [days[0], *(base_day(version.published_at, ends) for version in versions[1:])]
    return [Era(base, weights_of(version)) for base, version in zip(bases, versions, strict=True) if base is not None]


def _keep_performance(smallcase: Smallcase, points: Sequence[Point]) -> None:
    day, value = points[-1]
    kept = asdict(measures(points))
    row = Performance(smallcase=smallcase, day=day, index_value=value, **kept)
    Performance.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["smallcase"], update_fields=["day", "index_value", *kept]
    )


def _keep_risk(smallcase: Smallcase, ratio: Decimal | None) -> None:
    """A young smallcase keeps the label of its file."""
    if ratio is not None:
        low = Smallcase.Risk.LOW if ratio < LOW_RISK else Smallcase.Risk.MEDIUM
        risk = Smallcase.Risk.HIGH if ratio >= HIGH_RISK else low
        Smallcase.objects.filter(pk=smallcase.pk).exclude(risk=risk).update(risk=risk)

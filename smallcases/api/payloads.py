"""Response bodies of the catalogue. On the Partner API weights and returns are fractions, as in smallcase Gateway."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final

from gateway.values.money import number, wire_amount
from gateway.values.timestamps import IST, timestamp
from smallcases.catalogue.selectors import IndexChart, Listed
from smallcases.models import Investment, Performance, Smallcase, Version
from smallcases.portfolio.months import shifted
from smallcases.rebalancing.publication_preview import Preview, WeightChange

Wire = dict[str, Any]
# Months between two rebalances; "As needed" has no entry.
MONTHS: Final = {
    Smallcase.Schedule.MONTHLY.value: 1,
    Smallcase.Schedule.QUARTERLY.value: 3,
    Smallcase.Schedule.HALF_YEARLY.value: 6,
    Smallcase.Schedule.ANNUAL.value: 12,
}
# The wire name of each return, and its column.
RETURNS: Final = {
    "daily": "daily",
    "weekly": "weekly",
    "monthly": "monthly",
    "quarterly": "quarterly",
    "halfyearly": "half_yearly",
    "yearly": "yearly",
    "sinceLaunch": "since_launch",
}


def smallcases(page: Sequence[Listed], total: int) -> Wire:
    return {"smallcases": [summary(one) for one in page], "total": total}


def summary(one: Listed) -> Wire:
    smallcase, version = one.smallcase, one.version
    return {
        "scid": smallcase.scid,
        "version": version.number,
        "info": _info(smallcase, version),
        "stats": _stats(one),
        "benchmark": {"id": smallcase.benchmark.symbol, "name": smallcase.benchmark.name},
        "flags": {"active": not smallcase.is_archived},
    }


def profile(one: Listed) -> Wire:
    """`summary`, with the rationale, the last rebalance and the constituents."""
    return summary(one) | {
        "rationale": one.smallcase.rationale,
        "rebalance": {"label": one.version.label, "rationale": one.version.rationale},
        "constituents": [
            {
                "ticker": row.instrument.symbol,
                "stockName": row.instrument.name,
                "weight": number(row.weight / 100),
                "tradable": row.instrument.tradable,
            }
            for row in one.version.constituents.all()
        ],
    }


def chart(smallcase: Smallcase, of: IndexChart, *, duration: str, base: Decimal) -> Wire:
    return {
        "scid": smallcase.scid,
        "duration": duration,
        "base": number(base),
        "points": [{"date": _day(day), "index": number(value)} for day, value in of.index],
        "benchmark": {
            "id": smallcase.benchmark.symbol,
            "name": smallcase.benchmark.name,
            "points": [{"date": _day(day), "price": number(value)} for day, value in of.benchmark],
        },
    }


def pending_rebalance(investment: Investment, version: Version) -> Wire:
    """`version` has its smallcase loaded."""
    return {
        "iscid": investment.iscid,
        "scid": version.smallcase.scid,
        "name": version.smallcase.name,
        "date": timestamp(version.published_at),
        "version": version.number,
        "label": version.label,
    }


def pending_rebalance_event(investment: Investment, version: Version) -> Wire:
    """A webhook's body; each delivery attempt adds timestamp and checksum."""
    account = investment.account
    who = {"smallcaseAuthId": account.auth_id, "broker": account.broker}
    return {"action": "REBALANCE", **pending_rebalance(investment, version), **who}


def version(of: Version) -> Wire:
    """For managers: weights are in per cent, as published."""
    return {
        "version": of.number,
        "label": of.label,
        "rationale": of.rationale,
        "publishedAt": timestamp(of.published_at),
        "publishedBy": of.published_by and of.published_by.get_username(),
        "constituents": [
            {"ticker": row.instrument.symbol, "weight": number(row.weight)} for row in of.constituents.all()
        ],
    }


def version_with_progress(of: Version) -> Wire:
    """`announcements`: the number of investors notified, by gateway, and whether all of them are."""
    sent = [{"gateway": one.gateway.name, "told": one.notified, "done": one.due_at is None} for one in of.notices.all()]
    return version(of) | {"announcements": sent}


def preview(of: Preview) -> Wire:
    return {
        "version": of.number,
        "onTopOf": of.newest.number,
        "added": [_change(one) for one in of.changes if not one.before],
        "removed": [_change(one) for one in of.changes if not one.after],
        "changed": [_change(one) for one in of.changes if one.before and one.after],
        "turnover": number(of.turnover),
        "investments": of.investments,
        "buyAmount": wire_amount(of.buy),
        "sellAmount": wire_amount(of.sell),
        "minInvestAmountBefore": number(of.minimum_before),
        "minInvestAmountAfter": number(of.minimum_after),
        "untradable": list(of.untradable),
        "unknown": list(of.unknown),
    }


def next_update(smallcase: Smallcase, newest: Version) -> datetime | None:
    """The day of the next scheduled rebalance, as its midnight UTC; None without a schedule."""
    months = MONTHS.get(smallcase.schedule)
    return _midnight(shifted(newest.published_at.astimezone(IST).date(), months)) if months else None


def _info(smallcase: Smallcase, newest: Version) -> Wire:
    expected = next_update(smallcase, newest)
    return {
        "name": smallcase.name,
        "shortDescription": smallcase.short_description,
        "type": smallcase.kind,
        "publisherName": smallcase.publisher,
        "imageUrl": smallcase.image_url or None,
        "rebalanceSchedule": smallcase.schedule,
        "lastRebalanced": timestamp(newest.published_at),
        "nextUpdate": expected and timestamp(expected),
        "uploaded": _day(smallcase.launched_on),
    }


def _stats(one: Listed) -> Wire:
    """Values of the index are null until the close of its first day."""
    smallcase = one.smallcase
    done: Performance | None = getattr(smallcase, "performance", None)
    return {
        "indexValue": number(done.index_value) if done else None,
        "lastIndexUpdatedDate": _day(done.day) if done else None,
        "minInvestAmount": number(one.minimum),
        "minSipAmount": number(one.minimum_sip),
        "returns": {name: number(getattr(done, column, None)) for name, column in RETURNS.items()},
        "ratios": {
            "cagr": number(done.cagr) if done else None,
            "volatility": number(done.volatility) if done else None,
            "riskLabel": smallcase.risk,
        },
    }


def _change(one: WeightChange) -> Wire:
    return {"ticker": one.ticker, "from": number(one.before), "to": number(one.after)}


def _day(day: date) -> str:
    return timestamp(_midnight(day))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), tzinfo=UTC)

"""Questions about the catalogue. It is every gateway's; only prices are a gateway's own."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, Final, NoReturn

from django.conf import settings
from django.db.models import OuterRef, Prefetch, Q, QuerySet, Subquery

from brokers.market.calendar import published_holidays
from brokers.market.hours import Hours, Market
from brokers.market.quotes import Quote, quotes
from brokers.models import Instrument, MarketDay
from gateway.models import Gateway
from gateway.values.errors import NotFound
from gateway.values.ids import SCID
from smallcases.models import Constituent, IndexValue, Investment, RebalanceNotice, Smallcase, Version
from smallcases.planner import minimum_investment
from smallcases.portfolio.index import Close, Point, rebased, window

# Of the duration that a chart may span, its months.
DURATIONS: Final = {"1m": 1, "3m": 3, "6m": 6, "1y": 12}

_LARGEST_FIRST = Prefetch(
    "constituents", Constituent.objects.select_related("instrument").order_by("-weight", "instrument__symbol")
)


@dataclass(frozen=True, slots=True)
class Listed:
    """A smallcase as it can be bought now: its newest version, and the rupees that this takes at least."""

    version: Version
    minimum: Decimal

    @property
    def smallcase(self) -> Smallcase:
        return self.version.smallcase


@dataclass(frozen=True, slots=True)
class CatalogueQuery:
    """Which smallcases, in which order; an empty text or None leaves it open. `order` 1 is ascending, -1 descending."""

    sort_by: Callable[[Listed], Any]
    order: int = 1
    count: int = 50
    offset: int = 0
    search: str = ""
    kind: str = ""
    risk: str = ""
    minimum_from: Decimal | None = None
    minimum_to: Decimal | None = None


@dataclass(frozen=True, slots=True)
class IndexChart:
    index: Sequence[Point]
    benchmark: Sequence[Point]


def newest_versions() -> QuerySet[Version]:
    """One for each smallcase, with all that is shown of it."""
    numbers = Version.objects.filter(smallcase=OuterRef("smallcase")).order_by("-number").values("number")
    shown = Version.objects.select_related("smallcase__benchmark", "smallcase__performance")
    return shown.filter(number=Subquery(numbers[:1])).prefetch_related(_LARGEST_FIRST)


def newest_version_of(scid: str) -> Version:
    """Its smallcase, constituents and their instruments with it: two queries."""
    found = newest_versions().filter(smallcase__scid=scid).first() if SCID.fullmatch(scid) else None
    return found or _no_such_smallcase()


def smallcase_of(scid: str) -> Smallcase:
    found = Smallcase.objects.select_related("benchmark").filter(scid=scid).first() if SCID.fullmatch(scid) else None
    return found or _no_such_smallcase()


def versions_of(smallcase: Smallcase) -> QuerySet[Version]:
    """The newest first, with constituents and how far each gateway's investors have been told."""
    told = Prefetch("notices", RebalanceNotice.objects.select_related("gateway").order_by("gateway__name"))
    rows = Version.objects.filter(smallcase=smallcase).select_related("published_by", "smallcase").order_by("-number")
    return rows.prefetch_related(_LARGEST_FIRST, told)


def weights_of(version: Version) -> dict[str, Decimal]:
    """By ticker, in per cent, the largest first."""
    return {row.instrument.symbol: row.weight for row in version.constituents.all()}


def listed(versions: Sequence[Version], gateway: Gateway, *, now: datetime) -> list[Listed]:
    """At the gateway's prices: one query for all of them."""
    tickers = {ticker for version in versions for ticker in weights_of(version)}
    prices = prices_at(quotes(gateway.pk, tickers), now)
    return [Listed(version, minimum_investment(weights=weights_of(version), prices=prices)) for version in versions]


def catalogue(gateway: Gateway, query: CatalogueQuery, *, now: datetime) -> tuple[list[Listed], int]:
    """The page, and how many there are in all. Three queries: the order may depend on today's prices."""
    rows = newest_versions().filter(_about(query), smallcase__is_archived=False).order_by("smallcase__scid")
    found = [one for one in listed(list(rows), gateway, now=now) if _within(one.minimum, query)]
    return _sorted(found, query)[query.offset : query.offset + query.count], len(found)


def prices_at(of: Mapping[str, Quote], now: datetime) -> dict[str, Decimal]:
    return {ticker: quote.at(now) for ticker, quote in of.items()}


def market_prices(instruments: Collection[Instrument], now: datetime) -> dict[str, Decimal]:
    """Of the seeded path; pins are a gateway's own and do not count."""
    return prices_at(_market_quotes(instruments), now)


def instruments_of(tickers: Collection[str]) -> dict[str, Instrument]:
    """By ticker; what is not in the catalogue is left out."""
    return {instrument.symbol: instrument for instrument in Instrument.objects.filter(symbol__in=tickers)}


def live_investments(smallcase: Smallcase) -> QuerySet[Investment]:
    return Investment.objects.filter(smallcase=smallcase, exited_at__isnull=True)


def chart(smallcase: Smallcase, *, months: int, base: Decimal) -> IndexChart:
    """Index and benchmark from the same day on, both rebased to `base`; empty before the first index value."""
    values = list(IndexValue.objects.filter(smallcase=smallcase).order_by("day").values_list("day", "value"))
    if not values:
        return IndexChart([], [])
    index = window(values, months=months)
    ends = trading_days(index[0][0], index[-1][0])
    close, ticker = closes([smallcase.benchmark], ends), smallcase.benchmark.symbol
    benchmark = [(day, close(ticker, day)) for day, _ in index]
    return IndexChart(rebased(index, base=base), rebased(benchmark, base=base))


def closes(instruments: Collection[Instrument], ends: Mapping[date, datetime]) -> Close:
    """The unpinned price when that day's session `ends`, remembered."""
    paths = _market_quotes(instruments)

    @cache
    def close(ticker: str, day: date) -> Decimal:
        return paths[ticker].at(ends[day])

    return close


def trading_days(first: date, last: date) -> dict[date, datetime]:
    """NSE's, in order, with the moment each closes: its published calendar and the days that operators have added."""
    years = range(first.year, last.year + 1)
    exceptions = dict.fromkeys((day for year in years for day in published_holidays(year)), None)
    added = MarketDay.objects.filter(day__range=(first, last))
    market = Market(
        Hours.NSE,
        {**exceptions, **{row.day: (row.opens, row.closes) if row.opens and row.closes else None for row in added}},
    )
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return {day: session.closes for day in days if (session := market.session_on(day))}


def _no_such_smallcase() -> NoReturn:
    raise NotFound("There is no smallcase of this scid.")


def _market_quotes(instruments: Collection[Instrument]) -> dict[str, Quote]:
    seed = settings.MARKET_SEED
    return {one.symbol: Quote(one.symbol, one.reference_price, one.tick_size, None, seed) for one in instruments}


def _about(query: CatalogueQuery) -> Q:
    condition = Q(smallcase__kind=query.kind) if query.kind else Q()
    if query.risk:
        condition &= Q(smallcase__risk=query.risk)
    if query.search:
        fields = ("scid", "name", "short_description", "publisher")
        texts = [Q(**{f"smallcase__{field}__icontains": query.search}) for field in fields]
        holds = Constituent.objects.filter(instrument__symbol__iexact=query.search)
        condition &= texts[0] | texts[1] | texts[2] | texts[3] | Q(pk__in=holds.values("version"))
    return condition


def _within(minimum: Decimal, query: CatalogueQuery) -> bool:
    above = query.minimum_from is None or minimum >= query.minimum_from
    return above and (query.minimum_to is None or minimum <= query.minimum_to)


def _sorted(found: Sequence[Listed], query: CatalogueQuery) -> list[Listed]:
    """What has no value stands last either way; equals stay in the order of their scid."""
    keys = {one.version.pk: query.sort_by(one) for one in found}
    without = [one for one in found if keys[one.version.pk] is None]
    valued = [one for one in found if keys[one.version.pk] is not None]
    return sorted(valued, key=lambda one: keys[one.version.pk], reverse=query.order < 0) + without

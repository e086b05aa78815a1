"""Queries of the catalogue. All gateways share it; only prices differ between gateways."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, Final, NoReturn

from django.db.models import OuterRef, Prefetch, Q, QuerySet, Subquery

from brokers.market.calendar import nse_market
from brokers.market.quotes import Quote, market_quote, quotes
from brokers.models import Instrument
from gateway.models import Gateway
from gateway.values.errors import NotFound
from gateway.values.ids import SCID
from smallcases.models import Constituent, IndexValue, Investment, RebalanceNotice, Smallcase, Version
from smallcases.planner import minimum_investment, minimum_sip
from smallcases.portfolio.index import Close, Point, rebased, window

# A chart's durations, in months.
DURATIONS: Final = {"1m": 1, "3m": 3, "6m": 6, "1y": 12}

_LARGEST_FIRST = Prefetch(
    "constituents", Constituent.objects.select_related("instrument").order_by("-weight", "instrument__symbol")
)


@dataclass(frozen=True, slots=True)
class Listed:
    """A smallcase as offered now: its newest version, and the minimum investment and SIP in rupees."""

    version: Version
    minimum: Decimal
    minimum_sip: Decimal

    @property
    def smallcase(self) -> Smallcase:
        return self.version.smallcase


@dataclass(frozen=True, slots=True)
class CatalogueQuery:
    """Filters and order. An empty text or None does not filter. `order` 1 is ascending, -1 descending."""

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
    """The newest version of each smallcase, with all related rows that are displayed."""
    numbers = Version.objects.filter(smallcase=OuterRef("smallcase")).order_by("-number").values("number")
    shown = Version.objects.select_related("smallcase__benchmark", "smallcase__performance")
    return shown.filter(number=Subquery(numbers[:1])).prefetch_related(_LARGEST_FIRST)


def newest_version_of(scid: str) -> Version:
    """With smallcase, constituents and instruments: two queries. Raises NotFound."""
    found = newest_versions().filter(smallcase__scid=scid).first() if SCID.fullmatch(scid) else None
    return found or _no_such_smallcase()


def smallcase_of(scid: str) -> Smallcase:
    found = Smallcase.objects.select_related("benchmark").filter(scid=scid).first() if SCID.fullmatch(scid) else None
    return found or _no_such_smallcase()


def versions_of(smallcase: Smallcase) -> QuerySet[Version]:
    """Newest first, with constituents and the progress of each gateway's rebalance notices."""
    notices = Prefetch("notices", RebalanceNotice.objects.select_related("gateway").order_by("gateway__name"))
    rows = Version.objects.filter(smallcase=smallcase).select_related("published_by", "smallcase").order_by("-number")
    return rows.prefetch_related(_LARGEST_FIRST, notices)


def weights_of(version: Version) -> dict[str, Decimal]:
    """Weights in per cent by ticker, the largest first."""
    return {row.instrument.symbol: row.weight for row in version.constituents.all()}


def listed(versions: Sequence[Version], gateway: Gateway, *, now: datetime) -> list[Listed]:
    """`versions` with their minimum amounts at the gateway's prices: one query."""
    tickers = {ticker for version in versions for ticker in weights_of(version)}
    prices = prices_at(quotes(gateway.pk, tickers), now)
    weights = [weights_of(version) for version in versions]
    return [
        Listed(version, minimum_investment(weights=own, prices=prices), minimum_sip(weights=own, prices=prices))
        for version, own in zip(versions, weights, strict=True)
    ]


def catalogue(gateway: Gateway, query: CatalogueQuery, *, now: datetime) -> tuple[list[Listed], int]:
    """The page, and the total number. Three queries, since the order may depend on today's prices."""
    rows = newest_versions().filter(_about(query), smallcase__is_archived=False).order_by("smallcase__scid")
    found = [one for one in listed(list(rows), gateway, now=now) if _within(one.minimum, query)]
    return _sorted(found, query)[query.offset : query.offset + query.count], len(found)


def prices_at(of: Mapping[str, Quote], now: datetime) -> dict[str, Decimal]:
    return {ticker: quote.at(now) for ticker, quote in of.items()}


def market_prices(instruments: Collection[Instrument], now: datetime) -> dict[str, Decimal]:
    """Simulated prices without the price overrides of any gateway."""
    return prices_at(_market_quotes(instruments), now)


def instruments_of(tickers: Collection[str]) -> dict[str, Instrument]:
    """Instruments by ticker; unknown tickers are left out."""
    return {instrument.symbol: instrument for instrument in Instrument.objects.filter(symbol__in=tickers)}


def live_investments(smallcase: Smallcase) -> QuerySet[Investment]:
    return Investment.objects.filter(smallcase=smallcase, exited_at__isnull=True)


def chart(smallcase: Smallcase, *, months: int, base: Decimal) -> IndexChart:
    """Index and benchmark from the same first day, rebased to `base`; empty before the first index value."""
    values = list(IndexValue.objects.filter(smallcase=smallcase).order_by("day").values_list("day", "value"))
    if not values:
        return IndexChart([], [])
    index = window(values, months=months)
    ends = trading_days(index[0][0], index[-1][0])
    index = [point for point in index if point[0] in ends]  # a holiday may have become known after its value
    close, ticker = closes([smallcase.benchmark], ends), smallcase.benchmark.symbol
    benchmark = [(day, close(ticker, day)) for day, _ in index]
    return IndexChart(rebased(index, base=base), rebased(benchmark, base=base))


def closes(instruments: Collection[Instrument], ends: Mapping[date, datetime]) -> Close:
    """A cached function: the closing price of a ticker on a day, without price overrides."""
    paths = _market_quotes(instruments)

    @cache
    def close(ticker: str, day: date) -> Decimal:
        return paths[ticker].at(ends[day])

    return close


def trading_days(first: date, last: date) -> dict[date, datetime]:
    """NSE's trading days with the end of their last session, in order."""
    market = nse_market(range(first.year, last.year + 1))
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return {day: sessions[-1].closes for day in days if (sessions := market.sessions_on(day))}


def _no_such_smallcase() -> NoReturn:
    raise NotFound("There is no smallcase with this scid.")


def _market_quotes(instruments: Collection[Instrument]) -> dict[str, Quote]:
    return {one.symbol: market_quote(one) for one in instruments}


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
    """Smallcases without a value are last in both orders; equal ones are in the order of their scid."""
    keys = {one.version.pk: query.sort_by(one) for one in found}
    without = [one for one in found if keys[one.version.pk] is None]
    valued = [one for one in found if keys[one.version.pk] is not None]
    return sorted(valued, key=lambda one: keys[one.version.pk], reverse=query.order < 0) + without

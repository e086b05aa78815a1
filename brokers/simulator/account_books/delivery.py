"""Shares that an account has bought and not received yet: T+1, by the market's trading days and the gateway's clock."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Final

from brokers.market.calendar import market_of
from brokers.market.quotes import trade_to_trade
from brokers.market.trading_days import settlement_days
from brokers.simulator import sql
from brokers.simulator.models import SimAccount
from gateway.values.money import average
from gateway.values.timestamps import IST


@dataclass(frozen=True, slots=True)
class Undelivered:
    """Shares of one ticker: bought today, at `today_price` rupees on average, and on the trading day before (T1)."""

    today: int
    today_price: Decimal | None
    t1: int

    @property
    def shares(self) -> int:
        return self.today + self.t1


NOTHING: Final = Undelivered(0, None, 0)


def undelivered(account: SimAccount, now: datetime) -> Mapping[str, Undelivered]:
    """By ticker, if there are some. A sale sells the oldest shares first."""
    days = settlement_days(market_of(account.gateway, now=now), now)
    rows = sql.bought_since(account.pk, _midnight(days.unsettled_from), today=_midnight(days.today))
    return {
        ticker: Undelivered(today, average(turnover / today) if today else None, shares - today)
        for ticker, shares, today, turnover in rows
    }


def locked(account: SimAccount, tickers: Collection[str], now: datetime) -> Mapping[str, int]:
    """Shares by ticker that cannot be sold before they arrive: those of trade-to-trade series."""
    tied = trade_to_trade(tickers)
    waiting = undelivered(account, now) if tied else {}
    return {ticker: waiting[ticker].shares for ticker in tied & waiting.keys()}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), tzinfo=IST)

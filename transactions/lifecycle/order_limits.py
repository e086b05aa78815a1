"""Baskets of securities at brokers that take no slices: an order above the broker's limit is refused."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from brokers.market.quotes import quotes
from brokers.ports.registry import BrokerProfile, profile_of
from gateway.models import Account
from gateway.values.errors import Invalid
from transactions.domain.basket import OrderLine, Security
from transactions.queries.order_context import OrderContext


def limit_problem(profile: BrokerProfile, security: Security, quantity: int, price: Decimal | None) -> str | None:
    """`price` of a share in rupees; None: only the number of shares is checked."""
    limit = profile.order_limit
    largest = limit.shares if price is None else limit.largest(price)
    if profile.slices or quantity <= largest:
        return None
    return f"{profile.name} takes at most {limit} an order: {security.ticker} has {quantity:,} shares."


def check_order_limits(context: OrderContext, lines: Iterable[OrderLine]) -> None:
    """Raises Invalid. At the limit price of an order, else at the current price."""
    profile = profile_of(context.account.broker)
    if profile.slices:
        return
    lines = list(lines)
    market = quotes(context.transaction.gateway_id, {line.security.ticker for line in lines})
    prices = {ticker: quote.at(context.now) for ticker, quote in market.items()}
    problems = (limit_problem(profile, one.security, one.quantity, _price(one.security, prices)) for one in lines)
    if found := [problem for problem in problems if problem]:
        raise Invalid(*found)


def limit_problems(account: Account, securities: Iterable[Security]) -> list[str]:
    """Of what is known when a connected user's basket is created: shares, and prices of limit orders."""
    profile = profile_of(account.broker)
    problems = (
        (index, limit_problem(profile, one, one.quantity or 0, one.price)) for index, one in enumerate(securities)
    )
    return [f"orderConfig.securities[{index}].quantity: {problem}" for index, problem in problems if problem]


def _price(security: Security, prices: Mapping[str, Decimal]) -> Decimal | None:
    return security.price or security.trigger_price or prices.get(security.ticker)

"""Makers of the catalogue's rows: smallcases as the services load them, and who has invested."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any, Final

from django.contrib.auth.models import Permission, User

from brokers.ports.broker import Side
from gateway.models import Account, Gateway
from smallcases.catalogue.create_smallcases import load_catalogue
from smallcases.catalogue.selectors import newest_version_of
from smallcases.catalogue.smallcase_files import Draft
from smallcases.catalogue.weights import Weighted
from smallcases.models import Investment, InvestmentFill, Smallcase, Version
from smallcases.rebalancing.publishing import publish_rebalance

LAUNCHED: Final = date(2026, 11, 2)  # a Monday
PUBLISHED: Final = datetime(2026, 11, 10, 6, tzinfo=UTC)  # a Tuesday, 11:30 IST
TWO: Final[Mapping[str, str]] = {"INFY": "60", "TCS": "40"}
OTHER_TWO: Final[Mapping[str, str]] = {"INFY": "50", "WIPRO": "50"}
_numbers = count(1)


def weighted(weights: Mapping[str, str]) -> list[Weighted]:
    return [Weighted(ticker, Decimal(weight)) for ticker, weight in weights.items()]


def draft(scid: str = "SCNM_0001", *, weights: Mapping[str, str] = TWO, **more: Any) -> Draft:
    texts = {
        "name": "Two Houses",
        "short_description": "Two houses of software.",
        "rationale": "They write it once and sell it often.",
        "publisher": "Banyan",
        "kind": "Sector",
        "schedule": "Quarterly",
        "risk": "Medium volatility",
        "image_url": "",
    }
    rest: dict[str, Any] = {"line": 1, "benchmark": "NIFTYBEES", "launched_on": LAUNCHED, "manager": ""}
    told = {name: more.pop(name) for name in list(more) if name in texts}
    return Draft(scid=scid, texts=texts | told, constituents=weighted(weights), **(rest | more))


def smallcase(scid: str = "SCNM_0001", **more: Any) -> Smallcase:
    """Loaded, with its version 1."""
    assert load_catalogue([draft(scid, **more)]).new == 1
    return Smallcase.objects.get(scid=scid)


def published(of: Smallcase, weights: Mapping[str, str] = OTHER_TWO, *, now: datetime = PUBLISHED) -> Version:
    constituents = weighted(weights)
    return publish_rebalance(smallcase=of, constituents=constituents, label="Anew", rationale="", by=None, now=now)


def account(gateway: Gateway) -> Account:
    number = next(_numbers)
    return Account.objects.create(
        gateway=gateway,
        auth_id=f"{number:024x}",
        broker="kite",
        client_id=f"client-{number}",
        created_at=gateway.created_at,
    )


def investments(of: Smallcase, gateway: Gateway, *, how_many: int = 1, **more: Any) -> list[Investment]:
    """In its newest version, all of one account."""
    shared = {
        "gateway": gateway,
        "account": account(gateway),
        "smallcase": of,
        "version": newest_version_of(of.scid),
        "created_at": gateway.created_at,
    }
    return Investment.objects.bulk_create(Investment(**shared, **more) for _ in range(how_many))


def hold(investment: Investment, shares: Mapping[str, int], *, side: Side = Side.BUY) -> None:
    InvestmentFill.objects.bulk_create(
        InvestmentFill(
            investment=investment,
            order_ref=f"{next(_numbers):024x}",
            ticker=ticker,
            side=side.value,
            shares=number,
            price=Decimal(100),
            at=investment.created_at,
        )
        for ticker, number in shares.items()
    )


def manager(name: str = "meera", *, may_publish: bool = True) -> User:
    made = User.objects.create_user(name)
    if may_publish:
        made.user_permissions.add(Permission.objects.get(codename="add_version"))
    return made

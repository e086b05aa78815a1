"""A confirmation reads each fact once, in few files, and places nothing on facts that have been overtaken."""

import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

import pytest
from celery import current_app
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gateway.models import Gateway
from smallcases.models import Investment, InvestmentFill
from smallcases.sips.sip_changes import SipRequest
from tests import make
from tests.investor import Investor
from tests.transactions.checkout.conftest import Shop, Visit
from transactions.checkout.broker_login import log_in
from transactions.checkout.confirm import UserSelections, confirm
from transactions.domain.sdk_codes import SdkCode
from transactions.lifecycle.transitions import SdkError
from transactions.models import Batch, Transaction
from transactions.queries.order_context import order_context

ROOT: Final = Path(settings.BASE_DIR)
# Each may call what stands after it. The platform (gateway) and the ports (brokers, webhooks) are below all of them.
ROOMS: Final = (
    "transactions/checkout/pages",
    "transactions/checkout",
    "transactions/execution",
    "transactions/lifecycle",
    "transactions/queries",
    "transactions/domain",
    "smallcases",
    "brokers",
    "webhooks",
    "gateway",
)
ONCE: Final = (
    "order_request_of",
    "securities_of",
    "investment_of",
    "last_batches",
    "weights_of",
    "sellable",
    "market_of",
)


def room(path: str) -> int:
    """Of the longest name that fits: pages are in the checkout, too."""
    return max((len(name), -number) for number, name in enumerate(ROOMS) if path.startswith(name))[1] * -1


def pure() -> tuple[str, ...]:
    """Modules that know no Django: they compute, and neither read, nor write, nor refuse."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (named,) = (one["source_modules"] for one in contracts if one["name"] == "Pure modules know no Django")
    return tuple(name.replace(".", "/") for name in named)


@dataclass
class Walk:
    """From the form to the wake-up message: `calls` by function, `steps` from a file to another."""

    calls: Counter[str] = field(default_factory=Counter)
    steps: set[tuple[str, str]] = field(default_factory=set)
    is_on: bool = False

    def see(self, frame: FrameType, event: str, argument: object) -> None:
        called = _ours(frame.f_code)
        if event != "call" or called is None:
            return
        self.is_on |= frame.f_code.co_qualname == "Confirm.post"
        if self.is_on:
            self.calls[frame.f_code.co_qualname] += 1
            self.steps.add((_caller(frame), called))
        self.is_on &= frame.f_code.co_name != "enqueue_soon"

    @property
    def files(self) -> set[str]:
        """Those that decide: pure modules compute, the platform and the ports serve."""
        return {
            called
            for _, called in self.steps
            if called.startswith(("transactions/", "smallcases/")) and not called.startswith(pure())
        }

    @property
    def upward(self) -> list[tuple[str, str]]:
        return [(caller, called) for caller, called in self.steps if room(called) < room(caller)]


def _ours(code: CodeType) -> str | None:
    path = Path(code.co_filename)
    inside = path.is_relative_to(ROOT) and str(path.relative_to(ROOT))
    return inside if inside and inside.startswith(tuple(f"{name}/" for name in ROOMS)) else None


def _caller(frame: FrameType) -> str:
    """The nearest of our files, through Django's and Python's own."""
    above = frame.f_back
    while above and (path := _ours(above.f_code)) is None:
        above = above.f_back
    return path or ""


@contextmanager
def walking() -> Iterator[Walk]:
    walk, before = Walk(), sys.getprofile()
    sys.setprofile(walk.see)
    try:
        yield walk
    finally:
        sys.setprofile(before)


@pytest.fixture
def investor(shop: Shop) -> Investor:
    make.smallcase(weights={"INFY": "50", "TCS": "50"})
    return Investor(shop.partner)


@pytest.fixture
def visit(shop: Shop, investor: Investor) -> Visit:
    """At the confirmation of more money for an investment."""
    visit = shop.open(investor.create("INVESTMORE", amount=50_000), auth_id=investor.auth_id)
    visit.log_in()
    return visit


class TestTheWalkFromTheFormToTheQueue:
    def test_passes_ten_files_and_calls_none_above_them(self, visit: Visit) -> None:
        shown = visit.shown()

        with walking() as walk:
            visit.confirm(shown=shown)

        assert Batch.objects.filter(transaction=visit.transaction).exists()
        assert len(walk.files) <= 10, sorted(walk.files)
        assert walk.upward == []
        assert {name: walk.calls[name] for name in ONCE} == dict.fromkeys(ONCE, 1)

    def test_costs_twenty_three_statements(self, visit: Visit) -> None:
        shown = visit.shown()

        with CaptureQueriesContext(connection) as captured:
            visit.confirm(shown=shown)

        sent = [query["sql"] for query in captured]
        queued = next(number for number, sql in enumerate(sent) if sql.startswith('INSERT INTO "transactions_order"'))
        assert len([sql for sql in sent[: queued + 1] if not sql.startswith(("BEGIN", "SAVEPOINT", "RELEASE"))]) <= 23


class TestAnOrderOnTheSameInvestment:
    """As another tab or another partner's page would send it."""

    def logged_in(self, gateway: Gateway, investor: Investor, now: datetime, **order: Any) -> Transaction:
        made = Transaction.objects.get(transaction_id=investor.create(**order))
        return log_in(transaction=made, broker="kite", client_id="happy", pin="1234", now=now)

    def test_that_was_filled_after_the_facts_were_read_ends_this_one(self, shop: Shop, investor: Investor) -> None:
        gateway = shop.gateway
        mine = self.logged_in(gateway, investor, gateway.created_at, kind="EXIT", exit={"percent": 100})
        context = order_context(mine, now=gateway.created_at)
        investor.order("INVESTMORE", chosen={"amount": 50_000})

        with pytest.raises(SdkError) as refusal:
            confirm(transaction=mine, selections=UserSelections(), now=context.now, context=context)

        assert refusal.value.code == SdkCode.ORDER_PENDING
        assert not Batch.objects.filter(transaction=mine).exists()

    def test_that_is_open_by_then_ends_this_one(self, shop: Shop, investor: Investor) -> None:
        current_app.conf.task_always_eager = False  # no worker takes the other order; the fixture resets it
        gateway = shop.gateway
        mine = self.logged_in(gateway, investor, gateway.created_at, kind="INVESTMORE", amount=50_000)
        other = self.logged_in(gateway, investor, gateway.created_at, kind="INVESTMORE", amount=50_000)
        context = order_context(mine, now=gateway.created_at)
        confirm(transaction=other, selections=UserSelections(), now=context.now)

        with pytest.raises(SdkError) as refusal:
            confirm(transaction=mine, selections=UserSelections(), now=context.now, context=context)

        assert (refusal.value.code, mine.status) == (SdkCode.ORDER_PENDING, "ERRORED")
        assert not Batch.objects.filter(transaction=mine).exists()


@pytest.mark.parametrize("gone", ["exited", "withdrawn"])
class TestAnInvestmentThatIsGone:
    """Exited by another order meanwhile, or corrected by support to what never filled."""

    def test_ends_a_sip_with_no_order(self, shop: Shop, investor: Investor, gone: str) -> None:
        made = investor.errand("SIP_SETUP", iscid=investor.iscid)

        assert self.confirmed(made, shop, gone, sip=SipRequest(end=True)) == (SdkCode.NO_ORDER, "ERRORED")

    def test_ends_an_order_with_no_order(self, shop: Shop, investor: Investor, gone: str) -> None:
        made = investor.create("INVESTMORE", amount=50_000)

        assert self.confirmed(made, shop, gone) == (SdkCode.NO_ORDER, "ERRORED")

    def confirmed(self, transaction_id: str, shop: Shop, gone: str, **selected: Any) -> tuple[SdkCode, str]:
        made = Transaction.objects.get(transaction_id=transaction_id)
        log_in(transaction=made, broker="kite", client_id="happy", pin="1234", now=shop.gateway.created_at)
        Investment.objects.update(exited_at=shop.gateway.created_at)
        if gone == "withdrawn":
            InvestmentFill.objects.all().delete()
            Investment.objects.all().delete()
        with pytest.raises(SdkError) as refusal:
            confirm(transaction=made, selections=UserSelections(**selected), now=made.created_at)
        return refusal.value.code, made.status

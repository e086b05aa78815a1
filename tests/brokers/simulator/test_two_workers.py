"""Two processes that trade for one account at once: the broker decides about one order after the other."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from threading import Event, Thread
from time import monotonic
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import OperationalError, connection
from django.db.transaction import atomic

from brokers.market.quotes import quotes
from brokers.ports.broker import Broker, LiveSession, NewOrder, OrderType, SentOrder, Side, Validity, Variety
from brokers.simulator.account_books import clear_books
from brokers.simulator.account_books.book_invariants import INVARIANTS
from brokers.simulator.account_books.books import ledger
from brokers.simulator.models import SimAccount, SimOrder
from brokers.simulator.order_actions import ActionKind, OrderAction, act_on_order
from gateway.models import Gateway
from gateway.monitoring.invariant_checks import Finding, Scope, examine
from tests.brokers.simulator.conftest import Enter
from tests.make import FREE
from tests.servers import ROOT

pytestmark = [pytest.mark.servers, pytest.mark.django_db(transaction=True)]

FEW, MANY = 10, 1_000
FUNDS = Decimal(10_000_000)
APART = timedelta(days=1)  # the proceeds of a sale are free on the next day
Trader = subprocess.Popen[str]


@pytest.fixture
def pairs(pytestconfig: pytest.Config) -> int:
    return MANY if pytestconfig.getoption("--long") else FEW


class TestTwoOrdersAtOnce:
    def test_never_both_fill_where_the_account_covers_one(
        self, *, gateway: Gateway, enter: Enter, now: datetime, pairs: int, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Two buys that each take more than half of the funds, then two sales of all that was bought, and so on."""
        enter("no-holdings")
        SimAccount.objects.update(opening_funds=FUNDS)
        account = SimAccount.objects.get()
        price_at = quotes(gateway.pk, ["INFY"])["INFY"].at

        began, ended = monotonic(), Counter[tuple[str, ...]]()
        with trading(account) as one, trading(account) as other, watching(account, now) as watched:
            for number in range(pairs):
                at = now + number * APART
                wanted = next_pair(account, price_at(at))
                ended[together([one, other], wanted, number, at)] += 1

        with capsys.disabled():
            print(f"\n{pairs} pairs in {monotonic() - began:.1f} s, {watched.looks} looks meanwhile: {dict(ended)}")
        assert ended == {("COMPLETE", "REJECTED"): pairs}
        assert watched.looks > 1
        assert (watched.found, found(now)) == ([], [])


class TestAnAccountThatIsLocked:
    """Whatever reads its books and writes what follows waits for it; whatever reads alone does not."""

    @pytest.mark.parametrize(
        "verb",
        [
            lambda broker, login, now: broker.order_book(login, ["ref-1"], now=now),
            lambda broker, login, now: broker.cancel(login, SentOrder("ref-1", Variety.REGULAR, None), now=now),
            lambda broker, login, now: act_on_order(
                ref="ref-1", action=OrderAction(ActionKind.LATE_FILL), tariff=FREE, now=now
            ),
            lambda broker, login, now: clear(login),
        ],
        ids=["order_book", "cancel", "act", "reset"],
    )
    def test_is_waited_for(
        self, *, enter: Enter, broker: Broker, now: datetime, verb: Callable[[Broker, LiveSession, datetime], object]
    ) -> None:
        login = enter()
        broker.place(login, new("ref-1"), now=now)
        refusals: list[OperationalError] = []

        with atomic():
            SimAccount.objects.select_for_update(no_key=True).get()  # as foreign keys do not wait for
            rival = Thread(target=lambda: refusals.extend(impatient(lambda: verb(broker, login, now))))
            rival.start()
            rival.join()

        assert ["lock timeout" in str(refusal) for refusal in refusals] == [True]

    def test_is_not_waited_for_by_who_only_reads(self, *, enter: Enter, broker: Broker, now: datetime) -> None:
        login = enter()
        refusals: list[OperationalError] = []

        def read() -> None:
            broker.funds(login, now=now)
            broker.holdings(login, now=now)

        with atomic():
            SimAccount.objects.select_for_update().get()
            rival = Thread(target=lambda: refusals.extend(impatient(read)))
            rival.start()
            rival.join()

        assert refusals == []

    def test_is_not_waited_for_by_a_new_order(self, *, enter: Enter, broker: Broker, now: datetime) -> None:
        """It blocks nothing yet, and the orders of a basket would wait for each other."""
        login = enter()
        refusals: list[OperationalError] = []

        with atomic():
            SimAccount.objects.select_for_update(no_key=True).get()
            rival = Thread(
                target=lambda: refusals.extend(impatient(lambda: broker.place(login, new("ref-1"), now=now)))
            )
            rival.start()
            rival.join()

        assert (refusals, SimOrder.objects.count()) == ([], 1)


def impatient(verb: Callable[[], object]) -> Iterator[OperationalError]:
    """What the database says to a connection that waits for no lock."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '50ms'")
        verb()
    except OperationalError as refusal:
        yield refusal
    finally:
        connection.close()


def clear(login: LiveSession) -> None:
    with atomic():
        clear_books.clear(Gateway.objects.get(pk=login.gateway))


def new(ref: str) -> NewOrder:
    return NewOrder(ref, "INFY", Side.BUY, 1, OrderType.MARKET, Variety.REGULAR, Validity.DAY, None, None)


def next_pair(account: SimAccount, price: Decimal) -> str:
    """Side and quantity."""
    books = ledger(account)
    if held := books.shares.get("INFY"):
        return f"SELL {held}"
    return f"BUY {int((FUNDS + books.rupees) * Decimal('0.6') / price)}"


def together(traders: Sequence[Trader], wanted: str, number: int, at: datetime) -> tuple[str, ...]:
    """How the orders have ended, in no order of theirs."""
    for name, one in enumerate(traders):
        print(f"ref-{number}-{name}", wanted, at.isoformat(), file=one.stdin, flush=True)
    return tuple(sorted(one.stdout.readline().strip() for one in traders if one.stdout))


@contextmanager
def trading(account: SimAccount) -> Iterator[Trader]:
    command = [sys.executable, "-m", "tests.brokers.simulator.trader", str(account.gateway_id), account.client_id]
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    environment = os.environ | {
        "DATABASE_URL": urlunsplit(database),
        "DJANGO_SETTINGS_MODULE": "gateway.settings",
    }
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.communicate()  # closes its stdin, at which it ends


@dataclass
class Watched:
    looks: int
    found: list[Finding]


@contextmanager
def watching(account: SimAccount, now: datetime) -> Iterator[Watched]:
    """Examines the books over and over, from a connection of its own."""
    watched, over = Watched(0, []), Event()

    def look() -> None:
        while not over.wait(0.002):
            watched.looks += 1
            watched.found += found(now)
        connection.close()

    watcher = Thread(target=look)
    watcher.start()
    try:
        yield watched
    finally:
        over.set()
        watcher.join()


def found(now: datetime) -> list[Finding]:
    """Invariants of the broker's books that are broken: oversold, overspent, miscounted."""
    return [one for one in examine(INVARIANTS, Scope(wall=now, kept_for=timedelta(days=90))) if one.count]

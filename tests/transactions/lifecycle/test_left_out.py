"""Seven order types with one name that cannot be traded: nobody is locked in, and what was left out is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import pytest

from brokers.market import price_overrides
from brokers.models import Instrument
from brokers.ports.broker import Side
from brokers.simulator.models import SimAccount
from gateway.models import Account, Gateway
from gateway.values.errors import Invalid
from gateway.values.ids import new_object_id
from smallcases.models import Investment, Sip, Smallcase
from smallcases.portfolio.apply_fills import Executed, InvestmentChange, apply_fills
from smallcases.portfolio.investments import investment_of, shares_of
from smallcases.sips.schedule import ist_day
from tests import make
from transactions.api import portfolio_payloads
from transactions.checkout.broker_login import log_in
from transactions.checkout.confirm import QuoteExpired, UserSelections, confirm
from transactions.checkout.order_quote import OrderQuote, quote_orders, quote_request_of
from transactions.domain.basket import MAX_QUANTITY
from transactions.domain.intents import Intent
from transactions.domain.sdk_codes import SdkCode
from transactions.domain.smallcase_order import order_request_of
from transactions.lifecycle.create import TransactionRequest, create_transaction
from transactions.lifecycle.eligibility import NotAllTradable
from transactions.lifecycle.plan_orders import NothingTradable
from transactions.lifecycle.transitions import SdkError
from transactions.models import Batch, Transaction
from transactions.queries.order_context import order_context
from transactions.queries.user_portfolio import held

WEIGHTS: Final = {"INFY": "40", "TCS": "30", "WIPRO": "30"}
PRICES: Final = {"INFY": 1000, "TCS": 2000, "WIPRO": 500, "ITC": 400}
SHARES: Final = {"INFY": 40, "TCS": 15, "WIPRO": 60}  # ₹1,00,000 at the weights
OUT: Final = "WIPRO"
SITUATIONS: Final = {"halted": f"{OUT} cannot be traded now.", "delisted": f"{OUT} is not listed on NSE any more."}
Told = dict[str, tuple[str, int]]  # side and shares by ticker


@dataclass
class World:
    """A gateway with one smallcase, and a user who has invested in it."""

    gateway: Gateway
    now: datetime
    client_id: str = "rich"
    smallcase: Smallcase = field(init=False)
    account: Account = field(init=False)
    iscid: str = field(default_factory=new_object_id)

    def __post_init__(self) -> None:
        self.smallcase = make.smallcase(weights=WEIGHTS)
        for ticker, price in PRICES.items():
            self.pin(ticker, price)
        made = make.logged_in(gateway=self.gateway, client_id=self.client_id, now=self.now)
        assert made.account is not None
        self.account = made.account

    def pin(self, ticker: str, price: int) -> None:
        price_overrides.override_price(gateway=self.gateway, ticker=ticker, price=Decimal(price), now=self.now)

    def invest(self, shares: Mapping[str, int] = SHARES) -> None:
        apply_fills(
            gateway=self.gateway,
            account=self.account,
            change=InvestmentChange(iscid=self.iscid, version=self.smallcase.versions.get(number=1)),
            executed=[
                Executed(new_object_id(), ticker, Side.BUY, count, Decimal(PRICES[ticker]))
                for ticker, count in shares.items()
            ],
            now=self.now,
        )

    def order(self, kind: str, **chosen: Any) -> Transaction:
        """Created and logged in."""
        named = {"scid": "TEST_0001"} if kind == "BUY" else {"iscid": self.iscid}
        config = {"type": kind, **named, **chosen}
        wanted = TransactionRequest(
            intent=Intent.TRANSACTION, order_config=config, order_request=order_request_of(config)
        )
        made = create_transaction(gateway=self.gateway, account=self.account, request=wanted, now=self.now)
        return log_in(transaction=made, broker="kite", client_id=self.client_id, pin="1234", now=self.now)

    def quote(self, made: Transaction) -> OrderQuote:
        context = order_context(made, now=self.now)
        return quote_orders(context, of=quote_request_of(context), selections=UserSelections())

    def confirm(self, made: Transaction, **selected: Any) -> Batch:
        confirm(transaction=made, selections=UserSelections(**selected), now=self.now)
        return self.played(Batch.objects.get(transaction=made))

    def played(self, batch: Batch) -> Batch:
        batch = make.placed(batch)
        self.now = make.later(self.gateway, seconds=5)
        return make.followed_up(batch)

    def place(self, kind: str, **chosen: Any) -> Batch:
        return self.confirm(self.order(kind, **chosen))

    @property
    def investment(self) -> Investment:
        found = investment_of(self.account, self.iscid)
        assert found is not None
        return found

    @property
    def shares(self) -> dict[str, int]:
        return shares_of(self.investment)

    def seen(self) -> dict[str, Any]:
        (one,) = held(self.account, now=self.now)
        return portfolio_payloads.investment(one)

    @property
    def fixes(self) -> list[dict[str, Any]]:
        return list(self.seen()["actions"]["fix"])

    @property
    def blocked(self) -> list[dict[str, str]]:
        (fix,) = self.fixes
        return list(fix["blocked"])


@pytest.fixture
def world(gateway: Gateway, now: datetime) -> World:
    made = World(gateway, now)
    made.invest()
    return made


@pytest.fixture(params=SITUATIONS)
def why(world: World, request: pytest.FixtureRequest) -> str:
    """One name cannot be traded any more; as the sentence about it."""
    stop(request.param)
    return SITUATIONS[request.param]


def stop(situation: str = "halted", ticker: str = OUT) -> None:
    """A delisted name has another symbol in the catalogue: the investment's own is not known any more."""
    Instrument.objects.filter(symbol=ticker).update(tradable=False)
    if situation == "delisted":
        Instrument.objects.filter(symbol=ticker).update(symbol=f"{ticker}-X")


def resume(ticker: str = OUT) -> None:
    Instrument.objects.filter(symbol__startswith=ticker).update(tradable=True, symbol=ticker)


def placed(batch: Batch) -> Told:
    return {o.ticker: (o.side, o.quantity) for o in make.orders(batch) if o.status != "UNPLACED"}


def unplaced(batch: Batch) -> Told:
    return {o.ticker: (o.side, o.quantity) for o in make.orders(batch) if o.status == "UNPLACED"}


def reasons(batch: Batch) -> set[tuple[str | None, str | None]]:
    return {(o.error_code, o.status_message) for o in make.orders(batch) if o.status == "UNPLACED"}


class TestABuy:
    def test_is_refused_at_its_creation(self, world: World) -> None:
        stop()

        with pytest.raises(NotAllTradable, match="WIPRO cannot be traded now"):
            world.order("BUY", amount=100_000)

    def test_of_a_name_that_was_halted_later_goes_to_the_others(self, world: World) -> None:
        made = world.order("BUY", amount=70_000)
        stop()

        assert world.quote(made).quoted.passed_over == ["WIPRO cannot be traded now."]
        batch = world.confirm(made)

        assert (batch.status, placed(batch)) == ("COMPLETED", {"INFY": ("BUY", 40), "TCS": ("BUY", 15)})


class TestAnInvestmore:
    def test_gives_its_share_to_the_others_and_says_so(self, world: World, why: str) -> None:
        made = world.order("INVESTMORE", amount=70_000)

        quote = world.quote(made)
        batch = world.confirm(made)

        assert [sentence.split(" ", 1)[1] for sentence in quote.quoted.passed_over] == ["cannot be traded now."]
        assert (batch.status, placed(batch)) == ("COMPLETED", {"INFY": ("BUY", 40), "TCS": ("BUY", 15)})

    def test_of_none_but_such_names_is_refused(self, world: World) -> None:
        made = world.order("INVESTMORE", amount=70_000)
        for ticker in WEIGHTS:
            stop(ticker=ticker)

        with pytest.raises(NothingTradable) as refused:
            world.confirm(made)

        assert refused.value.sentences == tuple(f"{ticker} cannot be traded now." for ticker in sorted(WEIGHTS))
        assert not Batch.objects.exists()


class TestASip:
    def test_gives_its_share_to_the_others_and_moves_on(self, world: World, why: str) -> None:
        day = ist_day(world.now)
        Sip.objects.create(
            gateway=world.gateway,
            investment=world.investment,
            amount=Decimal(70_000),
            frequency="1m",
            starts_on=day,
            scheduled_date=day,
            leased_until=world.now,
        )

        batch = world.place("SIP")

        assert (batch.status, placed(batch)) == ("COMPLETED", {"INFY": ("BUY", 40), "TCS": ("BUY", 15)})
        assert Sip.objects.get().scheduled_date > day


class TestAnExit:
    def test_sells_the_others(self, world: World, why: str) -> None:
        made = world.order("EXIT")

        assert [one.message for one in world.quote(made).left_out] == [why]
        batch = world.confirm(made)

        assert (batch.label, batch.status) == ("SELLALL", "PARTIALLYFILLED")
        assert (placed(batch), unplaced(batch)) == ({"INFY": ("SELL", 40), "TCS": ("SELL", 15)}, {OUT: ("SELL", 60)})
        assert reasons(batch) == {("securityNotAllowed", why)}
        assert (world.shares, world.investment.exited_at) == ({OUT: 60}, None)
        assert world.blocked == [{"ticker": OUT, "reason": why}]

    def test_is_finished_by_a_fix_once_it_trades_again(self, world: World, why: str) -> None:
        world.place("EXIT")
        with pytest.raises(NothingTradable):
            world.place("FIX")
        resume()
        assert world.blocked == []

        batch = world.place("FIX")

        assert (batch.status, placed(batch)) == ("COMPLETED", {OUT: ("SELL", 60)})
        assert world.investment.exited_at is not None

    def test_of_a_part_sells_that_part_of_the_others(self, world: World) -> None:
        stop()

        batch = world.place("EXIT", exit={"percent": 50})

        assert (batch.label, placed(batch)["INFY"]) == ("PARTIALEXIT", ("SELL", 20))
        assert unplaced(batch) == {OUT: ("SELL", 30)}

    def test_of_an_amount_that_only_such_a_name_would_bring_sells_others(self, world: World) -> None:
        stop(ticker="TCS")
        stop(ticker="INFY")
        world.invest({"WIPRO": 1, "TCS": 1})

        batch = world.place("EXIT", exit={"amount": 2_000})

        assert set(placed(batch)) == {"WIPRO"}

    def test_of_none_but_such_names_is_refused(self, world: World) -> None:
        made = world.order("EXIT")
        for ticker in WEIGHTS:
            stop(ticker=ticker)

        with pytest.raises(NothingTradable):
            world.confirm(made)

        assert not Batch.objects.exists()


class TestARebalance:
    def test_that_drops_it_sells_the_others_and_remembers_it(self, world: World, why: str) -> None:
        make.version(world.smallcase, {"INFY": "20", "ITC": "80"})

        batch = world.place("REBALANCE")

        assert unplaced(batch) == {OUT: ("SELL", 60)}
        assert reasons(batch) == {("securityNotAllowed", why)}
        assert placed(batch) == {"TCS": ("SELL", 15), "INFY": ("SELL", 26), "ITC": ("BUY", 140)}
        assert (world.investment.version.number, world.shares[OUT]) == (2, 60)
        assert world.blocked == [{"ticker": OUT, "reason": why}]

    def test_after_it_is_not_blocked(self, world: World, why: str) -> None:
        make.version(world.smallcase, {"INFY": "20", "ITC": "80"})
        world.place("REBALANCE")
        make.version(world.smallcase, {"INFY": "90", "ITC": "10"})

        batch = world.place("REBALANCE")

        assert (world.investment.version.number, unplaced(batch)) == (3, {OUT: ("SELL", 60)})

    def test_after_orders_that_failed_is_blocked(self, world: World) -> None:
        failed = world.order("INVESTMORE", amount=70_000)
        confirm(transaction=failed, selections=UserSelections(), now=world.now)
        batch = Batch.objects.get(transaction=failed)
        batch.orders.filter(ticker=OUT).update(status="UNPLACED", error_code="adapterError")
        world.played(batch)
        make.version(world.smallcase, {"INFY": "20", "ITC": "80"})

        with pytest.raises(Exception, match="Fix the last order"):
            world.place("REBALANCE")

    def test_that_keeps_it_leaves_it_alone(self, world: World) -> None:
        make.version(world.smallcase, {"INFY": "30", "TCS": "40", "WIPRO": "30"})
        stop()

        batch = world.place("REBALANCE")

        assert (batch.status, set(placed(batch)), unplaced(batch)) == ("COMPLETED", {"INFY", "TCS"}, {})

    def test_that_adds_it_keeps_the_money_for_it(self, world: World) -> None:
        make.version(world.smallcase, {"INFY": "40", "TCS": "30", "ITC": "30"})
        stop(ticker="ITC")

        batch = world.place("REBALANCE")

        assert (placed(batch), unplaced(batch)) == ({"WIPRO": ("SELL", 60)}, {"ITC": ("BUY", 75)})

    def test_that_can_do_nothing_else_is_taken(self, world: World) -> None:
        make.version(world.smallcase, {"INFY": "57.1429", "TCS": "42.8571"})
        stop()

        batch = world.place("REBALANCE")

        assert (batch.status, batch.transaction.status) == ("UNPLACED", "COMPLETED")
        assert (placed(batch), unplaced(batch)) == ({}, {OUT: ("SELL", 60)})
        assert (world.investment.version.number, world.blocked[0]["ticker"]) == (2, OUT)

    def test_of_none_but_such_names_is_refused(self, world: World) -> None:
        make.version(world.smallcase, {"INFY": "20", "TCS": "80"})
        made = world.order("REBALANCE")
        for ticker in WEIGHTS:
            stop(ticker=ticker)

        with pytest.raises(NothingTradable):
            world.confirm(made)


class TestAManage:
    def test_may_keep_it(self, world: World, why: str) -> None:
        batch = world.place("MANAGE", constituents=shares_wanted(INFY=10, TCS=15, WIPRO=60))

        assert placed(batch) == {"INFY": ("SELL", 30)}

    @pytest.mark.parametrize("wanted", [{"WIPRO": 59}, {"WIPRO": 61}, {}])
    def test_that_changes_it_is_refused(self, world: World, why: str, wanted: dict[str, int]) -> None:
        with pytest.raises(Invalid) as refused:
            world.place("MANAGE", constituents=shares_wanted(INFY=10, TCS=15, **wanted))

        assert refused.value.sentences == (f"constituents: {why} Keep its shares: 60.",)

    def test_that_adds_it_is_refused(self, world: World) -> None:
        stop(ticker="ITC")

        with pytest.raises(Invalid, match="ITC cannot be traded now"):
            world.place("MANAGE", constituents=shares_wanted(INFY=10, ITC=1))


class TestAFix:
    def test_leaves_it_out_again(self, world: World) -> None:
        stop()
        stop(ticker="TCS")
        world.place("EXIT")
        resume("TCS")

        batch = world.place("FIX")

        assert (batch.label, batch.original_label) == ("FIX", "SELLALL")
        assert (placed(batch), unplaced(batch)) == ({"TCS": ("SELL", 15)}, {OUT: ("SELL", 60)})
        assert [one["ticker"] for one in world.blocked] == [OUT]


class TestAnOrderAboveTheLimit:
    """WIPRO costs ₹1, so that an order of a few lakh rupees has more shares than one order may have."""

    @pytest.fixture
    def world(self, gateway: Gateway, now: datetime) -> World:
        made = World(gateway, now)
        made.invest(SHARES | {OUT: MAX_QUANTITY + 500})
        made.pin(OUT, 1)
        SimAccount.objects.update(lent_shares=2 * MAX_QUANTITY)
        return made

    def test_sells_as_many_as_it_may(self, world: World) -> None:
        batch = world.place("EXIT")

        assert (placed(batch)[OUT], unplaced(batch)) == (("SELL", MAX_QUANTITY), {OUT: ("SELL", 500)})
        assert reasons(batch) == {
            ("invalidOrder", "These shares of WIPRO are more than one order may have. Order them with a FIX.")
        }
        assert placed(world.place("FIX")) == {OUT: ("SELL", 500)}
        assert world.investment.exited_at is not None

    @pytest.mark.parametrize(("kind", "chosen"), [("BUY", {}), ("INVESTMORE", {})])
    def test_buys_as_many_as_it_may(self, world: World, kind: str, chosen: dict[str, Any]) -> None:
        batch = world.place(kind, amount=9_000_000, **chosen)

        assert placed(batch)[OUT] == ("BUY", MAX_QUANTITY)
        assert {o.quantity for o in make.orders(batch) if o.status == "UNPLACED"} <= {*range(MAX_QUANTITY + 1)}

    def test_of_a_rebalance_sells_as_many_as_it_may(self, world: World) -> None:
        make.version(world.smallcase, {"INFY": "50", "TCS": "50"})

        batch = world.place("REBALANCE")

        assert (placed(batch)[OUT], unplaced(batch)[OUT]) == (("SELL", MAX_QUANTITY), ("SELL", 500))


class TestATradeToTradeName:
    """Bought today, and not arrived before the trading day after next."""

    @pytest.fixture(autouse=True)
    def _series(self, world: World) -> None:
        Instrument.objects.filter(symbol=OUT).update(series="BE")

    def test_is_left_out_of_an_exit_until_it_has_arrived(self, world: World) -> None:
        world.now = make.later(world.gateway, days=2)
        world.invest({OUT: 10})

        batch = world.place("EXIT")

        assert (batch.label, placed(batch)[OUT], unplaced(batch)) == ("SELLALL", ("SELL", 60), {OUT: ("SELL", 10)})
        assert {code for code, _ in reasons(batch)} == {"securityNotAllowed"}
        with pytest.raises(NothingTradable, match="settled trade by trade"):
            world.place("FIX")

        world.now = make.later(world.gateway, days=2)
        assert placed(world.place("FIX")) == {OUT: ("SELL", 10)}
        assert world.investment.exited_at is not None

    def test_does_not_lock_a_rebalance(self, world: World) -> None:
        make.version(world.smallcase, {"INFY": "60", "TCS": "40"})

        batch = world.place("REBALANCE")

        assert unplaced(batch)[OUT] == ("SELL", 60)
        assert world.investment.version.number == 2
        make.version(world.smallcase, {"INFY": "40", "TCS": "60"})
        assert world.place("REBALANCE").label == "REBALANCE"

    def test_is_bought_by_investmore(self, world: World) -> None:
        assert placed(world.place("INVESTMORE", amount=100_000))[OUT] == ("BUY", 60)

    def test_is_kept_by_manage(self, world: World) -> None:
        with pytest.raises(Invalid, match="settled trade by trade"):
            world.place("MANAGE", constituents=shares_wanted(INFY=40, TCS=15, WIPRO=59))

        assert placed(world.place("MANAGE", constituents=shares_wanted(INFY=39, TCS=15, WIPRO=60)))


class TestARebalanceOfAnAccountWithoutMoney:
    """₹1,000 in the account, and 80 % of the sales can be spent today."""

    @pytest.fixture
    def world(self, gateway: Gateway, now: datetime) -> World:
        made = World(gateway, now, client_id="happy")
        SimAccount.objects.update(opening_funds=1_000)
        made.invest()
        make.version(made.smallcase, {"ITC": "100"})
        return made

    def test_shows_which_purchases_wait_and_how_much_to_add(self, world: World) -> None:
        quote = world.quote(world.order("REBALANCE"))

        assert [quote.sells, quote.usable, quote.funds] == [100_000, 80_000, 1_000]
        assert [(row.line.security.ticker, row.line.quantity) for row in quote.waiting] == [("ITC", 51)]
        assert [quote.buys, quote.lacks_funds] == [79_600, False]
        assert 19_100 < quote.to_add <= 19_300

    def test_places_what_can_be_paid_for_and_leaves_the_rest_to_a_fix(self, world: World) -> None:
        made = world.order("REBALANCE")
        shown = world.quote(made).quoted

        batch = world.confirm(made, quoted=shown)

        assert (placed(batch)["ITC"], unplaced(batch)) == (("BUY", 199), {"ITC": ("BUY", 51)})
        assert {(o.ticker, o.status) for o in make.orders(batch)} == {
            *((ticker, "COMPLETE") for ticker in (*WEIGHTS, "ITC")),
            ("ITC", "UNPLACED"),
        }
        assert {code for code, _ in reasons(batch)} == {"marginsExceeded"}

        world.now = make.later(world.gateway, days=1)
        assert world.place("FIX").status == "COMPLETED"
        assert world.shares == {"ITC": 250}


class TestAHaltMeanwhile:
    def test_between_the_screen_and_the_confirmation_is_shown_first(self, world: World) -> None:
        made = world.order("EXIT")
        shown = world.quote(made).quoted
        stop()

        with pytest.raises(QuoteExpired) as expired:
            world.confirm(made, quoted=shown)
        assert (expired.value.halted, expired.value.sentences) == ([OUT], ("WIPRO cannot be traded now.",))

        batch = world.confirm(made, quoted=world.quote(made).quoted)
        assert unplaced(batch) == {OUT: ("SELL", 60)}

    def test_between_the_confirmation_and_the_placement_has_the_same_outcome(self, world: World) -> None:
        made = world.order("EXIT")
        confirm(transaction=made, selections=UserSelections(), now=world.now)
        stop()

        batch = world.played(Batch.objects.get(transaction=made))

        assert (batch.label, batch.status, unplaced(batch)) == ("SELLALL", "PARTIALLYFILLED", {OUT: ("SELL", 60)})
        assert reasons(batch) == {("securityNotAllowed", "WIPRO cannot be traded now.")}
        assert world.blocked == [{"ticker": OUT, "reason": "WIPRO cannot be traded now."}]


class TestARebalanceWithNothingToDo:
    def test_counts_as_applied(self, world: World) -> None:
        """The differences are below ₹500 and 1 %."""
        make.version(world.smallcase, {"INFY": "40.5", "TCS": "29.5", "WIPRO": "30"})

        with pytest.raises(SdkError) as ended:
            world.place("REBALANCE")

        assert ended.value.code is SdkCode.NO_ORDER
        assert not Batch.objects.exists()
        seen = world.seen()["investment"]
        assert (seen["version"], seen["recommendedAction"]) == (2, None)


def shares_wanted(**shares: int) -> list[dict[str, Any]]:
    return [{"ticker": ticker, "shares": count} for ticker, count in shares.items()]

"""Hours, after-market orders and orders that wait for a price (contract §7)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any, Final

import pytest

from brokers.models import MarketDay
from brokers.ports.registry import BROKERS
from tests.flows import stage
from tests.flows.refusal import assert_refused
from tests.partner import Partner
from tests.receiver import Receiver

Json = dict[str, Any]
WITH_LIMITS: Final = ("fivepaisa", "groww", "kite")
WITHOUT_AMO: Final = ("edelweiss", "fisdom", "fundzbazar")


def waiting(side: str, kind: str, **prices: Any) -> list[Json]:
    return [{"ticker": "INFY", "quantity": 10, "type": side, "orderType": kind, **prices}]


def unpinned(partner: Partner, ticker: str) -> Json:
    return dict(partner.call("DELETE", f"/sandbox/{{gateway}}/prices/{ticker}").data)


def market(partner: Partner) -> Json:
    return dict(partner.call("GET", "/sandbox/{gateway}/market").data)


def at(partner: Partner, moment: str) -> None:
    answer = partner.call("POST", "/sandbox/{gateway}/clock", {"set": moment})
    assert answer.status == 200, answer.body


def last_event(receiver: Receiver) -> tuple[str, str]:
    return receiver.hits[-1].event, receiver.hits[-1].json["status"]


class TestAClosedMarket:
    def test_refuses_who_did_not_ask_for_amo(self, partner: Partner) -> None:
        partner.hours("closed")
        made = partner.create()

        answer = partner.complete(made)

        assert_refused(answer, 409, "MarketClosed")
        assert (answer.data["code"], answer.data["message"], answer.data["broker"]) == (4004, "market_closed", "kite")
        assert partner.details(made)["status"] == "ERRORED"

    @pytest.mark.parametrize("broker", WITHOUT_AMO)
    def test_refuses_amo_where_the_broker_has_none(self, partner: Partner, broker: str) -> None:
        partner.hours("closed")

        answer = partner.complete(partner.create(), broker=broker, amo=True)

        assert_refused(answer, 409, "MarketClosed")
        assert answer.data["code"] == 4004

    @pytest.mark.parametrize("broker", sorted(set(BROKERS) - set(WITHOUT_AMO)))
    def test_takes_amo_where_the_broker_has_it(self, partner: Partner, broker: str) -> None:
        partner.hours("closed")

        batch = stage.placed(partner, broker=broker, amo=True)

        assert (batch["variety"], batch["status"], stage.told(batch)) == ("amo", "PLACED", ["PLACED"] * 3)

    def test_keeps_amo_orders_until_it_opens(self, partner: Partner, receiver: Receiver) -> None:
        partner.hours("closed")
        batch = stage.placed(partner, amo=True)
        assert stage.later(partner, batch, "PT1H", "P1D")["status"] == "PLACED"
        assert partner.details(batch["transactionId"])["status"] == "PROCESSING"

        partner.hours("always")

        found = stage.later(partner, batch)
        assert (found["variety"], found["status"]) == ("amo", "COMPLETED")
        assert partner.details(batch["transactionId"])["status"] == "COMPLETED"
        assert receiver.events() == ["order.placed", "order.completed"]


class TestAnOpenMarket:
    def test_takes_no_order_for_amo(self, partner: Partner) -> None:
        assert stage.placed(partner, amo=True)["variety"] == "regular"


@pytest.mark.usefixtures("now")
class TestHoursOfTheNse:
    def test_are_told(self, partner: Partner) -> None:
        partner.hours("nse")
        before = market(partner)

        at(partner, "2026-11-20T10:00:00Z")  # 15:30 in Mumbai

        after = market(partner)
        assert (before["hours"], before["open"], before["nextOpen"]) == ("nse", True, before["now"])
        assert (after["hours"], after["open"], after["nextOpen"]) == ("nse", False, "2026-11-23T03:45:00.000Z")

    def test_know_the_published_holidays(self, partner: Partner) -> None:
        partner.hours("nse")

        at(partner, "2026-11-24T05:00:00Z")  # Guru Nanak Jayanti, a Tuesday

        assert (market(partner)["open"], market(partner)["nextOpen"]) == (False, "2026-11-25T03:45:00.000Z")

    def test_hold_amo_orders_over_the_weekend(self, partner: Partner) -> None:
        partner.hours("nse")
        at(partner, "2026-11-20T12:00:00Z")
        batch = stage.placed(partner, amo=True)
        at(partner, "2026-11-23T03:44:00Z")
        assert stage.later(partner, batch)["status"] == "PLACED"

        at(partner, "2026-11-23T03:45:01Z")

        assert stage.later(partner, batch)["status"] == "COMPLETED"

    @pytest.mark.parametrize(
        ("moment", "accepted"),
        [
            ("2026-11-20T10:05:00Z", False),  # 15:35 IST: the session is over, the brokers' window not yet open
            ("2026-11-20T10:20:00Z", True),  # 15:50
            ("2026-11-22T03:35:00Z", True),  # Sunday, 09:05
            ("2026-11-23T03:26:00Z", True),  # Monday, 08:56
            ("2026-11-23T03:35:00Z", False),  # Monday, 09:05
            ("2026-11-24T06:00:00Z", True),  # a holiday at 11:30
        ],
    )
    def test_take_amo_orders_in_the_brokers_window(self, partner: Partner, moment: str, accepted: bool) -> None:
        partner.hours("nse")
        at(partner, moment)

        answer = partner.complete(partner.create(), amo=True)

        assert (answer.status, answer.data.get("code")) == ((200, None) if accepted else (409, 4004))

    def test_send_amo_orders_at_the_open_of_the_next_session_of_the_day(self, partner: Partner) -> None:
        for opens, closes in ((time(9, 15), time(10)), (time(11, 30), time(12, 30))):
            MarketDay.objects.create(day=date(2026, 11, 21), opens=opens, closes=closes)
        partner.hours("nse")
        at(partner, "2026-11-21T05:00:00Z")  # Saturday, 10:30 IST
        batch = stage.placed(partner, amo=True)
        at(partner, "2026-11-21T05:59:00Z")
        assert stage.later(partner, batch)["status"] == "PLACED"

        at(partner, "2026-11-21T06:00:01Z")

        assert stage.later(partner, batch)["status"] == "COMPLETED"

    def test_end_day_orders_with_the_first_session_of_two(self, partner: Partner) -> None:
        for opens, closes in ((time(9, 15), time(10)), (time(11, 30), time(12, 30))):
            MarketDay.objects.create(day=date(2026, 11, 21), opens=opens, closes=closes)
        partner.hours("nse")
        stage.pinned(partner, "INFY", 1000)
        at(partner, "2026-11-21T04:00:00Z")
        batch = stage.placed(partner, securities=waiting("BUY", "LIMIT", price=990))

        at(partner, "2026-11-21T04:30:01Z")  # 10:00:01 IST

        assert stage.told(stage.later(partner, batch)) == ["CANCELLED orderUnmatched"]

    def test_end_day_orders_at_the_close(self, partner: Partner, receiver: Receiver) -> None:
        partner.hours("nse")
        stage.pinned(partner, "INFY", 1000)
        batch = stage.placed(partner, securities=waiting("BUY", "LIMIT", price=990))
        at(partner, "2026-11-20T09:59:00Z")
        assert stage.told(stage.later(partner, batch)) == ["PLACED"]

        at(partner, "2026-11-20T10:00:01Z")

        assert stage.told(stage.later(partner, batch)) == ["CANCELLED orderUnmatched"]
        assert last_event(receiver) == ("order.completed", "UNFILLED")

    def test_end_amo_orders_at_the_close_of_their_first_day(self, partner: Partner) -> None:
        partner.hours("nse")
        stage.pinned(partner, "INFY", 1000)
        at(partner, "2026-11-20T12:00:00Z")
        batch = stage.placed(partner, securities=waiting("BUY", "LIMIT", price=990), amo=True)
        at(partner, "2026-11-23T09:59:00Z")
        assert stage.told(stage.later(partner, batch)) == ["PLACED"]

        at(partner, "2026-11-23T10:00:00Z")

        assert stage.told(stage.later(partner, batch)) == ["CANCELLED orderUnmatched"]


@dataclass(frozen=True)
class Crossing:
    """An order, a price that leaves it open, and the one that fills it."""

    side: str
    kind: str
    prices: Mapping[str, float]
    short: float
    enough: float


CROSSINGS: Final = {
    "LIMIT buys below": Crossing("BUY", "LIMIT", {"price": 990}, 990.1, 990),
    "LIMIT sells above": Crossing("SELL", "LIMIT", {"price": 1010}, 1009.9, 1010),
    "SL buys above its trigger": Crossing("BUY", "SL", {"triggerPrice": 1010, "price": 1020}, 1009.9, 1010),
    "SL sells below its trigger": Crossing("SELL", "SL", {"triggerPrice": 990, "price": 980}, 990.1, 990),
    "SLM buys above its trigger": Crossing("BUY", "SLM", {"triggerPrice": 1010}, 1009.9, 1100),
    "SLM sells below its trigger": Crossing("SELL", "SLM", {"triggerPrice": 990}, 990.1, 900),
}


@pytest.mark.usefixtures("now")  # a DAY order lapses at midnight, an hour later late in the evening
class TestAnOrderThatWaits:
    @pytest.mark.parametrize("broker", WITH_LIMITS)
    @pytest.mark.parametrize("crossing", CROSSINGS.values(), ids=CROSSINGS)
    def test_fills_when_the_price_crosses(self, partner: Partner, broker: str, crossing: Crossing) -> None:
        stage.pinned(partner, "INFY", crossing.short)
        securities = waiting(crossing.side, crossing.kind, **crossing.prices)
        batch = stage.placed(partner, securities=securities, broker=broker)
        assert stage.told(stage.later(partner, batch, "PT1H")) == ["PLACED"]

        stage.pinned(partner, "INFY", crossing.enough)

        (order,) = stage.later(partner, batch)["orders"]
        assert (order["status"], order["averagePrice"]) == ("COMPLETE", crossing.enough)
        asked = {"price": None, "triggerPrice": None, **crossing.prices}
        assert (order["price"], order["triggerPrice"]) == (asked["price"], asked["triggerPrice"])

    def test_of_a_stop_loss_waits_for_its_limit_once_triggered(self, partner: Partner) -> None:
        stage.pinned(partner, "INFY", 1000)
        batch = stage.placed(partner, securities=waiting("BUY", "SL", triggerPrice=1010, price=1020))
        stage.later(partner, batch, "PT10S")
        stage.pinned(partner, "INFY", 1030)
        assert stage.told(stage.later(partner, batch, "PT1H")) == ["PLACED"]

        stage.pinned(partner, "INFY", 1005)

        assert stage.later(partner, batch)["orders"][0]["averagePrice"] == 1005

    def test_follows_its_path_again_when_unpinned(self, partner: Partner) -> None:
        reference = unpinned(partner, "INFY")["price"]
        above, limit = round(reference * 1.1), round(reference * 1.05)
        stage.pinned(partner, "INFY", above)
        batch = stage.placed(partner, securities=waiting("BUY", "LIMIT", price=limit))
        assert stage.told(stage.later(partner, batch, "PT10S")) == ["PLACED"]

        followed = unpinned(partner, "INFY")

        (order,) = stage.later(partner, batch)["orders"]
        assert (followed["pinned"], order["status"], order["averagePrice"] < limit) == (False, "COMPLETE", True)

    @pytest.mark.parametrize(
        ("price", "told"), [(1000, "COMPLETE"), (1000.1, "COMPLETE"), (999.9, "CANCELLED orderUnmatched")]
    )
    def test_not_when_it_is_immediate_or_cancelled(self, partner: Partner, price: float, told: str) -> None:
        stage.pinned(partner, "INFY", 1000)

        batch = stage.placed(partner, securities=waiting("BUY", "LIMIT", price=price, validity="IOC"))

        (order,) = stage.later(partner, batch, "PT1S")["orders"]
        assert (f"{order['status']} {order['errorCode'] or ''}".strip(), order["validity"]) == (told, "IOC")

    @pytest.mark.parametrize(("side", "price"), [("BUY", 100), ("SELL", 5000)])
    def test_beyond_the_price_band_is_rejected(self, partner: Partner, side: str, price: float) -> None:
        batch = stage.played(partner, securities=waiting(side, "LIMIT", price=price))

        assert (stage.told(batch), batch["status"]) == (["REJECTED circuitLimitExceeded"], "UNFILLED")

    @pytest.mark.parametrize("kind", ["LIMIT", "SL", "SLM"])
    @pytest.mark.parametrize("broker", sorted(set(BROKERS) - set(WITH_LIMITS)))
    def test_is_refused_where_the_broker_has_none(self, partner: Partner, broker: str, kind: str) -> None:
        prices = {"LIMIT": {"price": 1000}, "SL": {"price": 1000, "triggerPrice": 1000}, "SLM": {"triggerPrice": 1000}}
        made = partner.create(waiting("BUY", kind, **prices[kind]))

        answer = partner.complete(made, broker=broker)

        assert_refused(answer, 409, "IntentNotEnabledForBroker")
        assert answer.data == {"code": 3000, "message": "intent_not_enabled_for_broker"}
        assert partner.details(made)["status"] == "ERRORED"

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from brokers.ports.broker import BrokerStatus, Report
from brokers.simulator.faults.link_faults import for_good, is_silent, report_of, unreported_until
from brokers.simulator.models import SimOrder

MINUTE = timedelta(minutes=1)


def order(status: str = "COMPLETE", **facts: object) -> SimOrder:
    filled = {"filled_quantity": 10, "average_price": Decimal("100.5000")} if status == "COMPLETE" else {}
    return SimOrder(**{"ref": "r", "status": status, "exchange_order_id": "1100", **filled, **facts})


class TestIsSilent:
    @pytest.mark.parametrize(("minutes", "silent"), [(0, True), (9.999, True), (10, False), (11, False)])
    def test_is_so_until_the_moment(self, now: datetime, minutes: float, silent: bool) -> None:
        quiet = order(unreported_until=unreported_until(10 * MINUTE, now))

        assert is_silent(quiet, now + minutes * MINUTE) is silent

    def test_is_never_so_without_one(self, now: datetime) -> None:
        assert not is_silent(order(unreported_until=unreported_until(None, now)), now)

    def test_is_so_for_good(self, now: datetime) -> None:
        assert is_silent(order(unreported_until=for_good(now)), now + timedelta(days=36_499))


class TestHeard:
    def test_is_the_brokers_record(self, now: datetime) -> None:
        assert report_of(order(reported_at=now)) == Report(
            "r", BrokerStatus.COMPLETE, 10, Decimal("100.5000"), "1100", None, None, now
        )

    @pytest.mark.parametrize(
        ("code", "message"),
        [("marginsExceeded", "Margin exceeds the available funds."), ("strangeError", "strangeError"), ("", None)],
    )
    def test_explains_an_error(self, code: str, message: str | None) -> None:
        report = report_of(order("REJECTED", error_code=code))

        assert (report.error_code, report.message) == (code or None, message)

    def test_contradicts_itself_where_it_is_garbled(self) -> None:
        report = report_of(order(garbled=True))

        assert (report.status, report.filled_quantity, report.average_price) == (BrokerStatus.COMPLETE, 0, None)

    @pytest.mark.parametrize("status", ["OPEN", "REJECTED", "CANCELLED"])
    def test_garbles_only_what_is_complete(self, status: str) -> None:
        assert report_of(order(status, garbled=True)) == report_of(order(status))

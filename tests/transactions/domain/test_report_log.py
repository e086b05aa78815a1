"""The log of a broker's reports."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from brokers.ports.broker import BrokerStatus, Report
from transactions.domain.report_log import KEPT, LONGEST, last_report, with_report

NOW = datetime(2026, 11, 20, 5, 30, tzinfo=UTC)
OPEN = Report("a" * 24, BrokerStatus.OPEN, 0, None, None, at=NOW)


class TestWords:
    def test_come_back_as_they_were_said(self) -> None:
        said = replace(OPEN, status=BrokerStatus.CANCELLED, filled_quantity=3, average_price=Decimal("10.0100"))

        assert last_report(with_report([], said, now=NOW), ref=said.ref) == said

    def test_are_kept_once_however_often_they_are_repeated(self) -> None:
        log = with_report([], OPEN, now=NOW)

        assert with_report(log, replace(OPEN, at=NOW + timedelta(hours=1)), now=NOW + timedelta(hours=1)) == log

    def test_are_bounded_in_number_and_length(self) -> None:
        log: list[dict[str, object]] = []
        for shares in range(KEPT + 5):
            log = with_report(log, replace(OPEN, filled_quantity=shares, message="x" * 5_000), now=NOW)

        assert [word["filled_quantity"] for word in log] == list(range(5, KEPT + 5))
        assert {len(str(word["message"])) for word in log} == {LONGEST}

    def test_of_a_silent_broker_are_none(self) -> None:
        assert last_report([], ref="a" * 24) is None

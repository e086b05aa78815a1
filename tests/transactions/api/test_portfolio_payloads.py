"""Holdings: what was bought today is a position, and trade-to-trade shares on their way are not transactable."""

from datetime import UTC, datetime
from typing import Any

import pytest

from transactions.api.portfolio_payloads import holdings
from transactions.models import HoldingsSnapshot

OLDER = {"ticker": "TCS", "shares": 5, "averagePrice": 2400}
NEWER = {
    "ticker": "INFY",
    "shares": 10,
    "averagePrice": 1180.5,
    "today": {"quantity": 4, "averagePrice": 1200},
    "sellable": 6,
}


def shown(version: str, *securities: dict[str, Any]) -> Any:
    snapshot = HoldingsSnapshot(securities=list(securities), taken_at=datetime(2026, 11, 20, tzinfo=UTC))
    return holdings(snapshot, [], version=version)["securities"]


class TestHoldings:
    @pytest.mark.parametrize(
        ("security", "held", "position", "transactable"), [(NEWER, 6, (4, 1200), 6), (OLDER, 5, (0, 0), 5)]
    )
    def test_v2_tells_positions_from_holdings(
        self, security: dict[str, Any], held: int, position: tuple[int, int], transactable: int
    ) -> None:
        """An older import does not know what was bought on its day."""
        (line,) = shown("v2", security)

        nse = line["positions"]["nse"]
        assert (line["holdings"]["quantity"], (nse["quantity"], nse["averagePrice"])) == (held, position)
        assert line["transactableQuantity"] == transactable

    def test_v1_has_all_shares_and_no_more_keys(self) -> None:
        assert shown("v1", NEWER) == [{"ticker": "INFY", "shares": 10, "averagePrice": 1180.5}]

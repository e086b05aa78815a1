"""Seven order types in every situation, with the result by the table of contract §3.1."""

from typing import Any, Final

import pytest

from smallcases.models import Smallcase
from tests import make
from tests.investor import Investor
from tests.partner import Answer, Partner

pytestmark = pytest.mark.usefixtures("now")  # SIPs have dates

CHOSEN: Final[dict[str, dict[str, Any]]] = {
    "BUY": {"scid": "TEST_0001", "amount": 100_000},
    "INVESTMORE": {"amount": 50_000},
    "FIX": {},
    "REBALANCE": {},
    "SIP": {},
    "MANAGE": {"constituents": [{"ticker": "INFY", "shares": 1}]},
    "EXIT": {},
}
KINDS: Final = tuple(CHOSEN)
DONE, REFUSED_GUEST, NOT_MINE = ("ok", ""), ("403", "ConnectedUserRequired"), ("404", "NotFound")
NOTHING, PENDING = ("409", "NoOrder"), ("409", "OrderPending")
CLOSED, ACTION, AMO = ("409", "MarketClosed 4005"), ("409", "ActionRequired"), ("ok", "amo")


def ready(investor: Investor, kind: str) -> None:
    """The moment at which an order of this kind makes sense."""
    {"FIX": _leave_unfilled, "REBALANCE": _publish, "SIP": _make_due}.get(kind, lambda _: None)(investor)


def _leave_unfilled(investor: Investor) -> None:
    investor.order("INVESTMORE", chosen={"amount": 50_000}, pin="error_marginsExceeded")


def _publish(investor: Investor) -> None:
    make.version(Smallcase.objects.get(scid="TEST_0001"), {"INFY": "20", "ITC": "80"})


def _make_due(investor: Investor) -> None:
    investor.set_up_sip(amount=50_000, frequency="1m", scheduledDate="2026-12-31")
    investor.clock("2026-12-31T06:00:00Z")


def outcome(investor: Investor, kind: str, *, guest: bool = False, amo: bool = False) -> tuple[str, str]:
    """Of an order created and played to the end."""
    created = investor.try_create(kind, guest=guest, **CHOSEN[kind])
    if created.status != 200:
        return str(created.status), created.error_type
    answer = investor.complete(created.data["transactionId"], amo=amo)
    if answer.status != 200:
        return str(answer.status), _named(answer)
    (batch,) = answer.data["orderBatches"]
    return "ok", "amo" if batch["variety"] == "amo" else ""


def _named(answer: Answer) -> str:
    code = (answer.data or {}).get("code", "")
    return f"{answer.error_type} {code}".strip()


def each(**expected: tuple[str, str]) -> list[tuple[str, tuple[str, str]]]:
    """Per kind; `others` for those not named."""
    return [(kind, expected.get(kind, expected["others"])) for kind in KINDS]


@pytest.fixture
def investor(partner: Partner) -> Investor:
    make.smallcase()
    return Investor(partner)


class TestAnOrderIsRefusedOrTaken:
    @pytest.mark.parametrize(("kind", "expected"), each(BUY=DONE, others=REFUSED_GUEST))
    def test_of_a_guest(self, investor: Investor, kind: str, expected: tuple[str, str]) -> None:
        assert outcome(investor, kind, guest=True) == expected

    @pytest.mark.parametrize(("kind", "expected"), each(FIX=NOTHING, REBALANCE=NOTHING, SIP=NOTHING, others=DONE))
    def test_of_a_connected_user(self, investor: Investor, kind: str, expected: tuple[str, str]) -> None:
        assert outcome(investor, kind) == expected

    @pytest.mark.parametrize("kind", KINDS)
    def test_at_its_moment(self, investor: Investor, kind: str) -> None:
        ready(investor, kind)

        assert outcome(investor, kind) == DONE

    @pytest.mark.parametrize(("kind", "expected"), each(BUY=DONE, others=NOT_MINE))
    def test_on_what_is_anothers(self, investor: Investor, kind: str, expected: tuple[str, str]) -> None:
        other = Investor(investor.partner, client_id="happy-2")
        other.iscid = investor.iscid

        assert outcome(other, kind) == expected

    @pytest.mark.parametrize(("kind", "expected"), each(BUY=DONE, others=NOTHING))
    def test_on_what_was_exited(self, investor: Investor, kind: str, expected: tuple[str, str]) -> None:
        investor.order("EXIT")

        assert outcome(investor, kind) == expected

    @pytest.mark.parametrize(("kind", "expected"), each(FIX=NOTHING, others=PENDING)[1:])
    def test_while_another_is_open(self, investor: Investor, kind: str, expected: tuple[str, str]) -> None:
        ready(investor, {"SIP": "SIP", "REBALANCE": "REBALANCE"}.get(kind, ""))
        investor.partner.hours("closed")
        investor.order("INVESTMORE", chosen={"amount": 50_000}, amo=True)

        assert outcome(investor, kind) == expected

    @pytest.mark.parametrize(("kind", "expected"), each(REBALANCE=ACTION, others=DONE))
    def test_while_a_fix_is_pending(self, investor: Investor, kind: str, expected: tuple[str, str]) -> None:
        ready(investor, kind)
        _leave_unfilled(investor)

        assert outcome(investor, kind) == expected

    @pytest.mark.parametrize("kind", KINDS)
    def test_while_the_market_is_closed(self, investor: Investor, kind: str) -> None:
        ready(investor, kind)
        investor.partner.hours("closed")

        assert outcome(investor, kind) == CLOSED

    @pytest.mark.parametrize(("kind", "expected"), each(REBALANCE=CLOSED, MANAGE=CLOSED, others=AMO))
    def test_after_the_market_has_closed(self, investor: Investor, kind: str, expected: tuple[str, str]) -> None:
        ready(investor, kind)
        investor.partner.hours("closed")

        assert outcome(investor, kind, amo=True) == expected

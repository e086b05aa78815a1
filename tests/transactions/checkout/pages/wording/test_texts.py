"""Every sentence that a template or a module names is there, and none is left over."""

import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Final

import pytest

from brokers.ports.broker import Side
from transactions import checkout
from transactions.checkout.pages.status_screen import ROW_TONES, TONES
from transactions.checkout.pages.wording.texts import ENGLISH
from transactions.domain.intents import Intent
from transactions.domain.sdk_codes import SdkCode
from transactions.domain.smallcase_order import OrderKind
from transactions.domain.statuses import BatchStatus, OrderStatus
from transactions.sandbox.sandbox_accounts import OFFERED

HERE: Final = Path(checkout.__file__).parent
TEMPLATES: Final = HERE.parent / "templates" / "checkout"
TAG: Final = re.compile(r"""{% say ((?:"[^"]*"|'[^']*'))([^%]*)%}""")
NAMED: Final = re.compile(r'"((?:error|notice|persona)\.[a-z-]+)"')
ERRANDS: Final = [intent for intent in Intent if intent not in {Intent.CANCEL_ORDER, Intent.CANCEL_AMO}]


def named_in_full() -> Iterator[str]:
    for template in TEMPLATES.glob("*.html"):
        for name, _ in TAG.findall(template.read_text()):
            if not name.strip("\"'").endswith("."):
                yield name.strip("\"'")
    for module in HERE.rglob("*.py"):
        if module.name != "texts.py":
            yield from NAMED.findall(module.read_text())
    yield "frame.next-open"


def named_in_parts() -> Iterator[str]:
    """What templates put together: a prefix, a value of a closed set, perhaps a suffix."""
    yield from (f"{what}.{part}" for what in ("trouble", "refused", "busy", "bound") for part in ("title", "body"))
    yield from (f"step.{number}" for number in "1234")
    yield from (f"confirm.kind.{kind}" for kind in ["SECURITIES", *OrderKind])
    yield from (f"consent.{intent}{end}" for intent in ("HOLDINGS_IMPORT", "FETCH_FUNDS") for end in ("", "-body"))
    yield from (f"sip.{frequency}" for frequency in ("1w", "2w", "1m", "3m"))
    yield from (f"{name}-body" for name in ENGLISH if name.startswith("notice.") and name.count("-body") == 0
                and name != "notice.moved-row")  # fmt: skip
    waiting = ("AMO", "REACHING", "UNREACHABLE", "SESSION_ENDED", "CANCELLING")
    states = [*BatchStatus, *waiting, "done.CANCELLED", *(f"done.{intent}" for intent in ERRANDS)]
    yield from (f"status.{state}{end}" for state in states for end in ("", "-body"))
    yield from (f"login.again.{what}" for what in ("order", "orders"))
    yield from (f"left-out.{what}" for what in ("spread", "spread-done", "rest", *Side))
    yield from (f"order.{status}" for status in OrderStatus)
    yield from (f"persona.{persona}" for persona in ("connected", *OFFERED))
    codes = [*(str(code.value) for code in SdkCode), "action"]
    yield from (f"ended.{code}{end}" for code in codes for end in ("", "-body"))


class TestTexts:
    def test_are_all_there(self) -> None:
        assert ({*named_in_full(), *named_in_parts()} - set(ENGLISH)) == set()

    def test_have_none_left_over(self) -> None:
        of_orders = {name for name in ENGLISH if name.startswith("code.")}

        assert set(ENGLISH) - {*named_in_full(), *named_in_parts()} - of_orders == set()

    def test_name_the_reason_of_every_order_that_failed(self) -> None:
        told = {name.removeprefix("code.") for name in ENGLISH if name.startswith("code.")}

        assert told == {
            *("adapterError", "tradingSystemNotReady", "checkHoldings", "marginsExceeded", "orderUnmatched"),
            *("circuitLimitExceeded", "securityNotAllowed", "invalidOrder", "clientNotEnabled", "sessionExpired"),
            *("otherError", "price-moved"),
        }

    @pytest.mark.parametrize("name", sorted(ENGLISH))
    def test_hold_no_markup_and_named_places_only(self, name: str) -> None:
        text = ENGLISH[name]

        assert "<" not in text
        assert all(place is None or place.isidentifier() for _, place, _, _ in Formatter().parse(text))

    def test_have_a_tone_for_every_status(self) -> None:
        assert set(TONES) == set(BatchStatus)
        assert set(ROW_TONES) < set(OrderStatus)

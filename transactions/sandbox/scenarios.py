"""What a tester can play, and what each reaches: the sandbox's table of contents (contract §7, §8)."""

from dataclasses import dataclass
from typing import Any, Final

from brokers.simulator.order_actions import ActionKind
from brokers.simulator.personas import FORCED, PIN_PREFIX, FillBehaviour, Persona
from transactions.domain.sdk_codes import MESSAGES
from transactions.sandbox.scripted_checkout import StopAt


@dataclass(frozen=True, slots=True)
class ScenarioOutcome:
    """`orders`: the status of the last order. `final` of the batch, once nothing more comes by itself."""

    orders: str
    batch: str
    final: str
    says: str


PERSONAS: Final = {
    Persona.HAPPY: ScenarioOutcome("COMPLETE", "PLACED", "COMPLETED", "Any other client id behaves so too."),
    Persona.PARTIAL: ScenarioOutcome(
        "COMPLETE", "PLACED", "PARTIALLYFILLED", "The first order fills half, rounded down, and no more."
    ),
    Persona.ONE_REJECTED: ScenarioOutcome("REJECTED", "PLACED", "PARTIALLYFILLED", "The last order: marginsExceeded."),
    Persona.ALL_REJECTED: ScenarioOutcome("REJECTED", "PLACED", "UNFILLED", "Every order: marginsExceeded."),
    Persona.UNMATCHED: ScenarioOutcome("CANCELLED", "PLACED", "UNFILLED", "Every order: orderUnmatched."),
    Persona.BROKER_DOWN: ScenarioOutcome("ERROR", "UNPLACED", "UNPLACED", "Every order unplaced: adapterError."),
    Persona.PARTLY_PLACED: ScenarioOutcome(
        "ERROR", "PARTIALLYPLACED", "PARTIALLYFILLED", "The last order unplaced: tradingSystemNotReady."
    ),
    Persona.LOST_CONTACT: ScenarioOutcome(
        "ERROR", "PLACED", "ERROR", "The broker fills the last order; the gateway never hears of it."
    ),
    Persona.LATE_FILL: ScenarioOutcome(
        "COMPLETE",
        "PLACED",
        "COMPLETED",
        "As lost-contact; the broker's report comes after 10 minutes of the clock.",
    ),
    Persona.LOW_FUNDS: ScenarioOutcome(
        "REJECTED", "PLACED", "UNFILLED", "Funds of ₹100: buys are rejected, marginsExceeded."
    ),
    Persona.NO_HOLDINGS: ScenarioOutcome(
        "COMPLETE", "PLACED", "COMPLETED", "Buys fill; a sale ends at the confirmation with 1004."
    ),
    Persona.SLOW: ScenarioOutcome("COMPLETE", "PLACED", "COMPLETED", "Fills in five steps over a minute."),
    Persona.CONTRADICTS: ScenarioOutcome(
        "ERROR", "PLACED", "ERROR", "Of the last order the broker says what cannot be; it is not believed."
    ),
    Persona.HANGS: ScenarioOutcome(
        "COMPLETE", "PLACED", "COMPLETED", "The placing is not answered, though the broker has taken the orders."
    ),
    Persona.DEAF: ScenarioOutcome(
        "ERROR", "PLACED", "ERROR", "The broker never hears of the orders, and the gateway not why."
    ),
    Persona.REPEATS: ScenarioOutcome(
        "COMPLETE", "PLACED", "COMPLETED", "The broker says everything twice, the second time as it was at first."
    ),
    Persona.LOGIN_FAILS: ScenarioOutcome("–", "–", "–", "The PIN is refused; the transaction stays INITIALIZED."),
}
STOPS: Final = {StopAt.CHOOSER: 1010, StopAt.LOGIN: 1011, StopAt.CONFIRMATION: 1012, StopAt.NO_BROKER: 1006}
ACTIONS: Final = {
    ActionKind.FILL: "COMPLETE",
    ActionKind.PARTIAL: "PARTIAL",
    ActionKind.REJECT: "REJECTED",
    ActionKind.CANCEL: "CANCELLED",
    ActionKind.HANG: "ERROR",
    ActionKind.LATE_FILL: "ERROR, then COMPLETE",
}
_STATUSES: Final = {FillBehaviour.REJECT: "REJECTED", FillBehaviour.CANCEL: "CANCELLED"}


def scenarios() -> dict[str, Any]:
    return {
        "personas": [
            {
                "clientId": persona.value,
                "lastOrder": outcome.orders,
                "batchWhenPlaced": outcome.batch,
                "batchAtTheEnd": outcome.final,
                "what": outcome.says,
            }
            for persona, outcome in PERSONAS.items()
        ],
        "pins": [
            *(
                {"pin": f"{PIN_PREFIX}{code.value}", "code": code.value, "message": message}
                for code, message in MESSAGES.items()
            ),
            *({"pin": f"{PIN_PREFIX}{code}", "everyOrder": order_status(code), "errorCode": code} for code in FORCED),
        ],
        "stops": [{"stopAt": stop.value, "code": code} for stop, code in STOPS.items()],
        "actions": [{"action": act.value, "order": status} for act, status in ACTIONS.items()],
        "market": [
            {"hours": "closed", "amo": False, "code": 4004, "message": "market_closed"},
            {"hours": "closed", "amo": True, "variety": "amo", "order": "PLACED until the market opens"},
        ],
    }


def order_status(forced: str) -> str:
    """What the wire shows of an order that a PIN forces `forced` on."""
    treatment = FORCED[forced]
    return "ERROR (unplaced)" if treatment.refused else _STATUSES[treatment.behaviour]

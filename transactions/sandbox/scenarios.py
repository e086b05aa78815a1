"""The sandbox's personas, PINs, actions and faults with their results (contract §7, §8)."""

from dataclasses import dataclass
from typing import Any, Final

from brokers.ports.broker import CALL_LIMIT, Verb
from brokers.simulator.order_actions import ActionKind
from brokers.simulator.personas import FORCED, PIN_PREFIX, FillBehaviour, Persona
from transactions.domain.sdk_codes import MESSAGES
from transactions.sandbox.scripted_checkout import StopAt


@dataclass(frozen=True, slots=True)
class ScenarioOutcome:
    """`orders`: the status of the last order. `batch`: the status after placing. `final`: the batch's last status."""

    orders: str
    batch: str
    final: str
    says: str


PERSONAS: Final = {
    Persona.HAPPY: ScenarioOutcome("COMPLETE", "PLACED", "COMPLETED", "Any other client id has the same result."),
    Persona.PARTIAL: ScenarioOutcome(
        "COMPLETE", "PLACED", "PARTIALLYFILLED", "The first order fills only half, rounded down."
    ),
    Persona.ONE_REJECTED: ScenarioOutcome("REJECTED", "PLACED", "PARTIALLYFILLED", "The last order: marginsExceeded."),
    Persona.ALL_REJECTED: ScenarioOutcome("REJECTED", "PLACED", "UNFILLED", "Every order: marginsExceeded."),
    Persona.UNMATCHED: ScenarioOutcome("CANCELLED", "PLACED", "UNFILLED", "Every order: orderUnmatched."),
    Persona.BROKER_DOWN: ScenarioOutcome("ERROR", "UNPLACED", "UNPLACED", "Every order unplaced: adapterError."),
    Persona.PARTLY_PLACED: ScenarioOutcome(
        "ERROR", "PARTIALLYPLACED", "PARTIALLYFILLED", "The last order unplaced: tradingSystemNotReady."
    ),
    Persona.LOST_CONTACT: ScenarioOutcome(
        "ERROR", "PLACED", "ERROR", "The broker fills the last order, but its order book never lists it."
    ),
    Persona.LATE_FILL: ScenarioOutcome(
        "COMPLETE",
        "PLACED",
        "COMPLETED",
        "As lost-contact, but the order book lists it after 10 minutes by the gateway's clock.",
    ),
    Persona.LOW_FUNDS: ScenarioOutcome(
        "REJECTED", "PLACED", "UNFILLED", "Funds of ₹100: buys are rejected with marginsExceeded."
    ),
    Persona.RICH: ScenarioOutcome(
        "COMPLETE", "PLACED", "COMPLETED", "As happy, with ₹1 lakh crore and 10 lakh lent shares of each name."
    ),
    Persona.NO_HOLDINGS: ScenarioOutcome(
        "COMPLETE", "PLACED", "COMPLETED", "Buys fill; a sale ends with 1004 at the confirmation."
    ),
    Persona.SLOW: ScenarioOutcome("COMPLETE", "PLACED", "COMPLETED", "Fills in five steps over a minute."),
    Persona.CONTRADICTS: ScenarioOutcome(
        "ERROR", "PLACED", "ERROR", "The broker's reports of the last order are contradictory and are ignored."
    ),
    Persona.HANGS: ScenarioOutcome(
        "COMPLETE", "PLACED", "COMPLETED", "The broker takes the orders but does not answer."
    ),
    Persona.DEAF: ScenarioOutcome(
        "ERROR", "PLACED", "ERROR", "The orders are lost on the way; the gateway cannot know that."
    ),
    Persona.SESSION_ENDS: ScenarioOutcome(
        "COMPLETE",
        "PLACED",
        "COMPLETED",
        "The first session ends with its orders resting; they are reported after the next login.",
    ),
    Persona.REPEATS: ScenarioOutcome(
        "COMPLETE", "PLACED", "COMPLETED", "The broker sends every report twice, the second time with older content."
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
FAULTS: Final = {
    "unreachable": "The request does not reach the broker.",
    "unanswered": "The broker does as asked; its answer is lost.",
    "slow:<seconds>": f"The answer takes so long; after {CALL_LIMIT.seconds} seconds the gateway no longer waits.",
    "rate_limited:<seconds>": "The broker refuses every call and names a wait.",
    "session_ended": "A session ends at its next call if it started before; a new login lives.",
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
        "faults": [{"fault": fault, "what": what, "verbs": list(Verb)} for fault, what in FAULTS.items()],
        "market": [
            {"hours": "closed", "amo": False, "code": 4004, "message": "market_closed"},
            {"hours": "closed", "amo": True, "variety": "amo", "order": "PLACED until the market opens"},
        ],
    }


def order_status(forced: str) -> str:
    """The status, as on the wire, of an order with the forced errorCode `forced`."""
    treatment = FORCED[forced]
    return "ERROR (unplaced)" if treatment.refused else _STATUSES[treatment.behaviour]

from datetime import timedelta
from decimal import Decimal

import pytest

from brokers.ports.broker import Verb
from brokers.simulator.personas import (
    FILL,
    FORCED,
    FaultKind,
    FillBehaviour,
    Persona,
    Treatment,
    lent_shares,
    link_fault_of,
    opening_funds,
    persona_of,
    treatment_of,
)

NO_FUNDS = Treatment(behaviour=FillBehaviour.REJECT, error_code="marginsExceeded")
UNMATCHED = Treatment(behaviour=FillBehaviour.CANCEL, error_code="orderUnmatched")
DOWN = Treatment(refused="adapterError")
NOT_READY = Treatment(refused="tradingSystemNotReady")


class TestPersonaOf:
    @pytest.mark.parametrize("persona", Persona)
    @pytest.mark.parametrize("tail", ["", "-", "-2", "-a-b"])
    def test_goes_by_the_beginning(self, persona: Persona, tail: str) -> None:
        assert persona_of(f"{persona.value}{tail}") is persona

    @pytest.mark.parametrize(
        "client_id", ["", "AB1234", "Partial", "partialx", "partial_2", "x-partial", "slower", "one", "low-fund"]
    )
    def test_is_happy_for_any_other(self, client_id: str) -> None:
        assert persona_of(client_id) is Persona.HAPPY


class TestTreatments:
    # By contract §7: of one order, and of three.
    @pytest.mark.parametrize(
        ("persona", "alone", "of_three"),
        [
            (Persona.HAPPY, FILL, [FILL, FILL, FILL]),
            (Persona.LOW_FUNDS, FILL, [FILL, FILL, FILL]),
            (Persona.NO_HOLDINGS, FILL, [FILL, FILL, FILL]),
            (
                Persona.PARTIAL,
                Treatment(behaviour=FillBehaviour.HALF),
                [Treatment(behaviour=FillBehaviour.HALF), FILL, FILL],
            ),
            (Persona.ONE_REJECTED, NO_FUNDS, [FILL, FILL, NO_FUNDS]),
            (Persona.ALL_REJECTED, NO_FUNDS, [NO_FUNDS] * 3),
            (Persona.UNMATCHED, UNMATCHED, [UNMATCHED] * 3),
            (Persona.BROKER_DOWN, DOWN, [DOWN] * 3),
            (Persona.PARTLY_PLACED, NOT_READY, [FILL, FILL, NOT_READY]),
            (
                Persona.LOST_CONTACT,
                Treatment(silence=timedelta(days=36_500)),
                [FILL, FILL, Treatment(silence=timedelta(days=36_500))],
            ),
            (
                Persona.LATE_FILL,
                Treatment(silence=timedelta(minutes=10)),
                [FILL, FILL, Treatment(silence=timedelta(minutes=10))],
            ),
            (Persona.CONTRADICTS, Treatment(garbled=True), [FILL, FILL, Treatment(garbled=True)]),
            (Persona.SLOW, Treatment(behaviour=FillBehaviour.STEPS), [Treatment(behaviour=FillBehaviour.STEPS)] * 3),
        ],
    )
    def test_are_the_contracts(self, persona: Persona, alone: Treatment, of_three: list[Treatment]) -> None:
        assert treatments(persona, forced="", count=1) == [alone]
        assert treatments(persona, forced="", count=3) == of_three

    @pytest.mark.parametrize(
        ("code", "treatment"),
        [
            ("adapterError", DOWN),
            ("tradingSystemNotReady", NOT_READY),
            ("sessionExpired", Treatment(refused="sessionExpired")),
            ("checkHoldings", Treatment(behaviour=FillBehaviour.REJECT, error_code="checkHoldings")),
            ("marginsExceeded", NO_FUNDS),
            ("orderUnmatched", UNMATCHED),
            ("circuitLimitExceeded", Treatment(behaviour=FillBehaviour.REJECT, error_code="circuitLimitExceeded")),
            ("securityNotAllowed", Treatment(behaviour=FillBehaviour.REJECT, error_code="securityNotAllowed")),
            ("invalidOrder", Treatment(behaviour=FillBehaviour.REJECT, error_code="invalidOrder")),
            ("clientNotEnabled", Treatment(behaviour=FillBehaviour.REJECT, error_code="clientNotEnabled")),
            ("otherError", Treatment(behaviour=FillBehaviour.REJECT, error_code="otherError")),
        ],
    )
    @pytest.mark.parametrize("persona", [Persona.HAPPY, Persona.PARTIAL, Persona.LOST_CONTACT])
    def test_are_for_all_what_the_pin_forces(self, persona: Persona, code: str, treatment: Treatment) -> None:
        assert treatments(persona, forced=code, count=3) == [treatment] * 3

    def test_can_be_forced_with_every_error_code_of_the_contract(self) -> None:
        assert len(FORCED) == 11


def treatments(persona: Persona, *, forced: str, count: int) -> list[Treatment]:
    """Of each order of a basket."""
    return [treatment_of(persona, forced=forced, position=n, basket_size=count) for n in range(count)]


class TestLinkFaultOf:
    def test_is_of_one_verb_for_those_whose_calls_fail(self) -> None:
        faults = {
            (persona, verb): fault.kind
            for persona in Persona
            for verb in Verb
            if (fault := link_fault_of(persona, verb))
        }

        assert faults == {
            (Persona.HANGS, Verb.PLACE): FaultKind.UNANSWERED,
            (Persona.DEAF, Verb.PLACE): FaultKind.LOST,
            (Persona.SESSION_ENDS, Verb.ORDER_BOOK): FaultKind.SESSION_ENDED,
        }


class TestTheAccount:
    def test_is_poor_for_low_funds_only(self) -> None:
        assert [p for p in Persona if opening_funds(p) == Decimal(100)] == [Persona.LOW_FUNDS]

    def test_has_nothing_lent_for_no_holdings_only(self) -> None:
        assert [p for p in Persona if lent_shares(p) == 0] == [Persona.NO_HOLDINGS]

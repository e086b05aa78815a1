"""The judge: each thing that can be wrong with what a partner heard is seen, and a sound record is let pass."""

from typing import Any

import pytest

from tests.chaos.receiver import Hit
from tests.chaos.verdict import heard

# key, subject, sequence, status, failures, whether the endpoint hears the type, whether it is enabled
FIRST = ("evt_1", "batch", 1, "DELIVERED", 0, True, True)
SECOND = ("evt_2", "batch", 2, "DELIVERED", 0, True, True)
ELSEWHERE = ("evt_3", "another", 1, "DELIVERED", 0, True, True)
OWED = [ELSEWHERE, FIRST, SECOND]
NOT_OWED = "every event was owed, and the endpoint left enabled"
UNHEARD = "every event was heard at least once"
OUT_OF_ORDER = "every batch was heard in order"
OTHERWISE = "every repetition said the same"
UNKNOWN = "nothing was heard that is not recorded"


def hit(number: int, of: tuple[Any, ...], *, accepted: bool = True, status: str = "PLACED") -> Hit:
    return Hit(number, "/place", of[0], of[2], {"status": status}, accepted)


def wrong(owed: list[tuple[Any, ...]], *hits: Hit) -> set[str]:
    return {name for name, offenders in heard(owed, hits).items() if offenders}


SOUND = (hit(0, ELSEWHERE), hit(1, FIRST), hit(2, SECOND))


class TestASoundRecord:
    def test_is_let_pass(self) -> None:
        assert wrong(OWED, *SOUND) == set()

    def test_may_have_repetitions_of_what_is_over(self) -> None:
        assert wrong(OWED, *SOUND, hit(3, FIRST)) == set()

    def test_may_have_refusals_before_the_acceptance(self) -> None:
        refused = hit(0, FIRST, accepted=False)

        assert wrong(OWED, refused, hit(1, FIRST), hit(2, SECOND), hit(3, ELSEWHERE)) == set()

    def test_may_lack_what_was_refused_to_the_plans_end(self) -> None:
        given_up = ("evt_1", "batch", 1, "GIVEN_UP", 10, True, True)

        assert wrong([given_up, SECOND], hit(0, given_up, accepted=False), hit(1, SECOND)) == set()


class TestAWrongOne:
    @pytest.mark.parametrize(
        ("owed", "hits", "name"),
        [
            ([FIRST, ("evt_2", "batch", 2, None, None, True, True)], [hit(0, FIRST), hit(1, SECOND)], {NOT_OWED}),
            ([(*FIRST[:6], False)], [hit(0, FIRST)], {NOT_OWED}),
            ([FIRST, SECOND], [hit(0, FIRST)], {UNHEARD}),
            ([FIRST], [hit(0, FIRST, accepted=False)], {UNHEARD}),
            ([("evt_1", "batch", 1, "GIVEN_UP", 3, True, True)], [hit(0, FIRST, accepted=False)], {UNHEARD}),
            ([FIRST, SECOND], [hit(0, SECOND), hit(1, FIRST)], {OUT_OF_ORDER}),
            ([FIRST, SECOND], [hit(0, FIRST, accepted=False), hit(1, SECOND), hit(2, FIRST)], {OUT_OF_ORDER}),
            ([FIRST], [hit(0, FIRST), hit(1, FIRST, status="COMPLETED")], {OTHERWISE}),
            ([FIRST], [hit(0, FIRST), hit(1, SECOND)], {UNKNOWN}),
        ],
        ids=[
            "not pending",
            "disabled",
            "never sent",
            "never accepted",
            "given up too soon",
            "out of order",
            "passed a predecessor that was refused",
            "said otherwise",
            "not recorded",
        ],
    )
    def test_is_seen(self, owed: list[tuple[Any, ...]], hits: list[Hit], name: set[str]) -> None:
        assert wrong(owed, *hits) == name

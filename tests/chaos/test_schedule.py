"""The schedule: the seed's alone, and every fault in it."""

from itertools import pairwise

import pytest

from tests.chaos.schedule import BROKERS, MACHINES, PARTNERS, Fault, planned
from tests.servers import ROOT

DOCUMENT = ROOT / "docs" / "chaos.md"


class TestPlanned:
    def test_is_the_same_for_the_same_seed(self) -> None:
        assert planned(seed=7, seconds=60, partners=3) == planned(seed=7, seconds=60, partners=3)

    def test_is_another_for_another(self) -> None:
        assert planned(seed=7, seconds=60, partners=3) != planned(seed=8, seconds=60, partners=3)

    @pytest.mark.parametrize("seed", range(50))
    def test_has_every_fault_in_half_a_minute(self, seed: int) -> None:
        lanes = planned(seed=seed, seconds=35, partners=3)

        played = [{moment.fault for moment in lane} for lane in lanes]
        assert played == [set(MACHINES), set(PARTNERS), set(BROKERS)]

    def test_is_in_the_order_of_time_and_ends_with_it(self) -> None:
        for lane in planned(seed=7, seconds=60, partners=3):
            assert all(before.at + before.held < after.at for before, after in pairwise(lane))
            assert lane[-1].at < 60

    def test_befalls_every_partner(self) -> None:
        _, *lanes = planned(seed=7, seconds=60, partners=3)

        assert [{moment.partner for moment in lane} for lane in lanes] == [{0, 1, 2}] * 2


class TestTheFaults:
    def test_are_told_of(self) -> None:
        told = [line.split("|")[1].strip() for line in DOCUMENT.read_text().splitlines() if line.startswith("| ")]

        assert [text for text in told if text in {fault.value for fault in Fault}] == [fault.value for fault in Fault]

    def test_are_of_machines_of_partners_or_of_brokers(self) -> None:
        assert [*MACHINES, *PARTNERS, *BROKERS] == list(Fault)

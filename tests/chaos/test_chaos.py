"""The short form of `make chaos`: every fault about once, and all that must hold afterwards."""

import os
from pathlib import Path

import pytest
from rich.console import Console

from tests.chaos.run import run, show
from tests.chaos.schedule import Fault

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]

SECONDS = 20.0
SEED = int(os.environ.get("CHAOS_SEED", "20261120"))


class TestChaos:
    def test_breaks_nothing(self, tmp_path: Path) -> None:
        report = run(seed=SEED, seconds=SECONDS, directory=tmp_path)

        show(report, Console(highlight=False, width=160))
        assert {(line.whose, line.name): list(line.offenders) for line in report.broken} == {}
        assert set(report.arena.applied) == set(Fault)

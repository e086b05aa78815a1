"""Length and size of the benchmarks, from the environment: BENCH_SECONDS, BENCH_ROUNDS, BENCH_ROWS."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

SHORT: Final = {"BENCH_SECONDS": "0.6", "BENCH_ROUNDS": "1", "BENCH_ROWS": "20000"}
LONG: Final = {"BENCH_SECONDS": "10", "BENCH_ROUNDS": "5", "BENCH_ROWS": "10000000"}


@dataclass(frozen=True, slots=True)
class Knobs:
    """`seconds` per round, `rounds` of each kind, `rows` in the largest table."""

    seconds: float
    rounds: int
    rows: int

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> Self:
        told = LONG | {name: environment[name] for name in LONG if environment.get(name)}
        return cls(float(told["BENCH_SECONDS"]), int(told["BENCH_ROUNDS"]), int(float(told["BENCH_ROWS"])))

    @property
    def is_short(self) -> bool:
        """Whether the figures are too short-lived to be published."""
        long = Knobs.of({})
        return self.seconds < long.seconds / 2 or self.rounds < 3 or self.rows < long.rows

    def many(self, usual: int, *, least: int = 1) -> int:
        """A number of things that scales with the round's length: `usual` for rounds of normal length."""
        return max(least, round(usual * self.seconds / float(LONG["BENCH_SECONDS"])))

    def of_rows(self, usual: int, *, least: int = 1) -> int:
        """A number of rows that scales with `rows`: `usual` for the normal ten million."""
        return max(least, round(usual * self.rows / float(LONG["BENCH_ROWS"])))

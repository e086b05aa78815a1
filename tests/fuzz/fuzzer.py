"""One process that asks, until all processes together have asked enough."""

from dataclasses import dataclass
from itertools import count
from multiprocessing.sharedctypes import Synchronized
from random import Random
from typing import Final

from tests.fuzz import documented
from tests.fuzz.hostile import hostile
from tests.fuzz.known import Known
from tests.fuzz.ledger import Finding, Ledger
from tests.fuzz.setting import restock
from tests.fuzz.wire import exchange
from tests.processes.wire import DistantPartner

# The documented ones cost ten times as much, for they are made and checked with care.
HOSTILE_TO_EACH_DOCUMENTED: Final = 5


@dataclass(slots=True)
class Fuzzer:
    """`done` is shared by all of them."""

    known: Known
    partner: DistantPartner
    chance: int
    wanted: int
    done: "Synchronized[int]"

    def run(self) -> Ledger:
        ledger, chance = Ledger(), Random(self.chance)
        for turn in count(self.chance * 1_000):
            for _ in documented.play(self.known, ledger, chance=turn, on_each=self._count):
                self._hostile(ledger, chance)
                if not self._goes_on():
                    return ledger
            restock(self.known, self.partner)
        raise AssertionError

    def _hostile(self, ledger: Ledger, chance: Random) -> None:
        while self._goes_on() and ledger.asked["hostile"] < ledger.asked["documented"] * HOSTILE_TO_EACH_DOCUMENTED:
            request = hostile(chance, self.known)
            raw = request.raw(f"{self.known.host}:{self.known.port}")
            heard = exchange((self.known.host, self.known.port), raw, method=request.method)
            ledger.note("hostile", heard.status)
            self._count()
            if heard.wrong:
                where = f"{request.method} {request.target[:80].decode('latin-1')}"
                ledger.find(Finding(heard.wrong, where, heard.body[:200].decode("latin-1"), raw))

    def _count(self) -> None:
        with self.done.get_lock():
            self.done.value += 1

    def _goes_on(self) -> bool:
        return self.done.value < self.wanted

"""The rebalance buffer: small differences of names that stay are left alone.

A sale costs a depository charge however small it is. So smallcase places no order for a name that stays in the
smallcase if it is off its target by ₹500 or less, or by 1 % or less of the value after the rebalance
(publisher help, 82000907139 and 82000887016, "rebalance buffer", as of November 2026).
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from smallcases.planner.exact import Rupees, Shares, value
from smallcases.planner.whole import trimmed


@dataclass(frozen=True, slots=True)
class Buffer:
    """The larger of `rupees` and `part` (a fraction of the value after the rebalance) is too small for an order."""

    rupees: Decimal
    part: Decimal

    def limit(self, total: Decimal) -> Decimal:
        return max(self.rupees, self.part * total)


# The same for all smallcases today; a smallcase may get its own.
REBALANCE_BUFFER: Final = Buffer(rupees=Decimal(500), part=Decimal("0.01"))


def left_alone(wanted: Shares, held: Shares, prices: Rupees, total: Decimal, buffer: Buffer) -> dict[str, int]:
    """`wanted` without small trades of names that are held and stay; it costs at most `total`, as `wanted` does.

    Small sales that are not made pay for nothing: purchases are reduced, all by the same part. But a new name is
    bought: if the money does not suffice for one share of each, the largest small sales are made after all.
    """
    moves = {t: (shares - held.get(t, 0)) * prices[t] for t, shares in wanted.items()}
    new = [t for t, shares in wanted.items() if shares and not held.get(t)]
    small = {t for t in moves if wanted[t] and held.get(t) and abs(moves[t]) <= buffer.limit(total)}
    kept = {t: held[t] if t in small else min(shares, held.get(t, 0)) for t, shares in wanted.items()}
    needed = value(dict.fromkeys(new, 1), prices)
    for ticker in sorted(small, key=moves.__getitem__):
        if moves[ticker] < 0 and total - value(kept, prices) < needed:
            small.remove(ticker)
            kept[ticker] = wanted[ticker]
    first = kept | dict.fromkeys(new, 1)
    rest = {t: shares - first[t] for t, shares in wanted.items() if t not in small}
    more = trimmed(rest, prices, total - value(first, prices))
    return {t: count + more.get(t, 0) for t, count in first.items()}

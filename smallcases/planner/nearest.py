"""The subset of whole numbers whose sum is nearest to a goal: the subset-sum problem. Pure.

Two exact methods. Up to FEW numbers: meet in the middle (Horowitz and Sahni, "Computing partitions with applications
to the knapsack problem", 1974), O(2^(n/2) × n), about 5 ms for 24. More numbers: Bellman's dynamic program (1957), with
the reachable sums as the bits of an integer, O(n × total) bit operations, about 30 ms for 50 prices of ₹1,500 in paise.
Above MOST_SUMS the second method counts in larger units; then the error is at most n + 1 units, which is less than
4 millionths of the total for 50 numbers.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import floor, gcd
from typing import Final

FEW: Final = 24
MOST_SUMS: Final = 1 << 24  # bits: at most 2 MB for each number

Sum = tuple[int, int]  # a sum, and a bit for each number in it


def nearest_subset(sizes: Sequence[int], goal: Fraction, *, all_allowed: bool) -> set[int]:
    """The indexes of the chosen sizes; of two equally near sums the smaller, of equal sums one with late indexes.

    `sizes` are above 0; `goal` is at least 0, below their total. Without `all_allowed` not all may be chosen.
    """
    find = _in_two_halves if len(sizes) <= FEW else _bit_by_bit
    return find(sizes, goal, sum(sizes) if all_allowed else sum(sizes) - 1)


def _in_two_halves(sizes: Sequence[int], goal: Fraction, most: int) -> set[int]:
    """`most`: the largest sum that is allowed."""
    middle, below_goal = len(sizes) // 2, floor(goal)
    left = _sums(sizes[:middle], 0)
    right = sorted(_sums(sizes[middle:], middle))
    keys = [total for total, _ in right]
    below, above = (0, 0), (most + 1, 0)
    for total, chosen in left:
        index = bisect_right(keys, below_goal - total)
        if index and total + keys[index - 1] > below[0]:
            below = total + keys[index - 1], chosen | right[index - 1][1]
        if index < len(keys) and total + keys[index] < above[0]:
            above = total + keys[index], chosen | right[index][1]
    _, bits = below if above[0] > most or goal - below[0] <= above[0] - goal else above
    return {index for index in range(len(sizes)) if bits >> index & 1}


def _sums(sizes: Iterable[int], first: int) -> list[Sum]:
    """The sums of all subsets; `first` is the index of the first size."""
    found: list[Sum] = [(0, 0)]
    for index, size in enumerate(sizes, first):
        found += [(total + size, chosen | 1 << index) for total, chosen in found]
    return found


def _bit_by_bit(sizes: Sequence[int], goal: Fraction, most: int) -> set[int]:
    unit = max(gcd(*sizes), -(-sum(sizes) // MOST_SUMS))
    units = [max(round(Fraction(size, unit)), 1) for size in sizes]
    # The smallest first: fewer bits on the way. Of equal sizes the last first: the walk back prefers what came early.
    order = sorted(range(len(sizes)), key=lambda index: (units[index], -index))
    reached = [1]
    for index in order:
        reached.append(reached[-1] | reached[-1] << units[index])
    every = sum(units)
    sums = reached[-1] if most == sum(sizes) else reached[-1] ^ 1 << every
    left = _nearest_bit(sums, goal / unit)
    chosen = set()
    for index, before in zip(reversed(order), reversed(reached[:-1]), strict=True):
        if not before >> left & 1:
            chosen.add(index)
            left -= units[index]
    return chosen


def _nearest_bit(sums: int, goal: Fraction) -> int:
    """The position of the set bit nearest to `goal`; bit 0 is set."""
    start = floor(goal) + 1
    below = (sums & (1 << start) - 1).bit_length() - 1
    further = sums >> start
    if not further:
        return below
    above = start + (further & -further).bit_length() - 1
    return below if goal - below <= above - goal else above

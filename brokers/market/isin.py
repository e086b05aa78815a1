"""ISIN check digits (ISO 6166: Luhn over the digits that the letters A–Z spell as 10–35)."""

import re
from typing import Final

SHAPE: Final = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")


def is_isin(text: str) -> bool:
    return SHAPE.fullmatch(text) is not None and _luhn("".join(str(int(letter, 36)) for letter in text)) == 0


def _luhn(digits: str) -> int:
    """The sum modulo 10: every second digit from the right counts double, its digits added up."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value // 10 + value % 10
    return total % 10

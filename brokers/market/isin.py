"""ISIN check digits (ISO 6166: Luhn over digits, where the letters A–Z are 10–35)."""

import re
from typing import Final

SHAPE: Final = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")


def is_isin(text: str) -> bool:
    return SHAPE.fullmatch(text) is not None and _luhn("".join(str(int(letter, 36)) for letter in text)) == 0


def _luhn(digits: str) -> int:
    """The Luhn sum modulo 10: every second digit from the right is doubled and its digits are added."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value // 10 + value % 10
    return total % 10

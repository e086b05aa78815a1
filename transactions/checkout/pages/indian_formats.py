"""Indian formats of numbers, rupees and dates, and brokers' marks. Pure."""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final
from zlib import crc32

from gateway.values.money import grouped
from gateway.values.timestamps import IST

RUPEE: Final = "₹"
MINUS: Final = "−"
# White text on each colour has a contrast of at least 4.5.
HUES: Final = ("#1d4e89", "#7a3e9d", "#a3352f", "#1f6b4a", "#8a5a0b", "#3f4a9e", "#9c2f68", "#2b6777", "#5b5f1f")


def count(number: int) -> str:
    return f"{MINUS if number < 0 else ''}{grouped(str(abs(number)))}"


def rupees(amount: Decimal) -> str:
    """₹1,23,456.78; always with paise, so that columns align."""
    exact = abs(amount).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
    whole, paise = str(exact).split(".")
    return f"{MINUS if amount < 0 and exact else ''}{RUPEE}{grouped(whole)}.{paise}"


def clock_time(moment: datetime) -> str:
    """14:03:22 IST"""
    return moment.astimezone(IST).strftime("%H:%M:%S IST")


def day_and_time(moment: datetime) -> str:
    """Mon 23 Nov, 09:15 IST"""
    local = moment.astimezone(IST)
    return f"{local:%a} {local.day} {local:%b}, {local:%H:%M} IST"


def left(seconds: int) -> str:
    """12:05, for the countdown."""
    minutes, rest = divmod(max(seconds, 0), 60)
    return f"{minutes}:{rest:02d}"


@dataclass(frozen=True, slots=True)
class Mark:
    """Initials on a colour. Brokers' own logos are not used."""

    letters: str
    fill: str


def mark(key: str, name: str) -> Mark:
    """The mark depends only on the broker's key and name."""
    words = name.split()
    letters = words[0][0] + (words[1][0] if len(words) > 1 else words[0][1:2])
    return Mark(letters.upper(), HUES[crc32(key.encode()) % len(HUES)])

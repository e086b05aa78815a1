"""The texts about charges, on the confirmation and on the result (texts.py)."""

from collections.abc import Mapping
from typing import Final

CHARGES: Final[Mapping[str, str]] = {
    "charges.detail": "Charges in detail",
    "charges.total": "Estimated charges: {total}",
    "charges.brokerage": "Brokerage",
    "charges.stt": "Securities transaction tax",
    "charges.exchange": "Exchange charges",
    "charges.sebi": "SEBI fee",
    "charges.stamp": "Stamp duty",
    "charges.gst": "GST",
    "charges.dp": "Depository charge",
    "charges.note": "{broker}'s contract note has the exact amounts.",
}

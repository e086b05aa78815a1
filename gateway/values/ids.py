"""The ids of the wire, and secrets. Ids that grant access are unguessable: 96 or 128 random bits."""

import re
import secrets
from typing import Final

TRANSACTION_ID: Final = re.compile(r"TRX_[0-9a-f]{32}")
OBJECT_ID: Final = re.compile(r"[0-9a-f]{24}")
CLIENT_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # a user's id at a broker
SCID: Final = re.compile(r"[A-Z]{2,8}_\d{4}", re.ASCII)
SYMBOL: Final = re.compile(r"[A-Z0-9][A-Z0-9&-]{0,19}")  # NSE symbols
GATEWAY_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")  # as received; stored in lower case


def new_transaction_id() -> str:
    return f"TRX_{secrets.token_hex(16)}"


def new_object_id() -> str:
    return secrets.token_hex(12)


def new_secret(size: int = 32) -> str:
    """`size` random bytes in URL-safe characters: 43 for 32, more than the 32 bytes that HS256 requires.

    The first is a letter or a digit: on a command line a leading hyphen would make the secret an option.
    """
    while not (made := secrets.token_urlsafe(size))[0].isalnum():
        pass
    return made


def is_transaction_id(text: str) -> bool:
    return TRANSACTION_ID.fullmatch(text) is not None


def is_object_id(text: str) -> bool:
    return OBJECT_ID.fullmatch(text) is not None

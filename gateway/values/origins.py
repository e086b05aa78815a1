"""Browser origins: scheme, host and port, nothing else."""

import re
from typing import Final

from gateway.values.errors import Invalid

# As a browser spells it: a name of another script in punycode.
ORIGIN: Final = re.compile(r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?")
LOCAL: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})


def check_origin(text: str) -> str:
    """The origin as a browser sends it (RFC 6454); https, or http on this machine."""
    found = ORIGIN.fullmatch(text.lower())
    if found is None or (found["scheme"] == "http" and found["host"] not in LOCAL):
        raise Invalid(f"{text} is not an origin such as https://shop.example.")
    return text.lower()

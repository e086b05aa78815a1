"""Browser origins: scheme, host and port."""

import re
from typing import Final

from gateway.values.errors import Invalid

# As browsers write it: host names in other scripts are in punycode.
ORIGIN: Final = re.compile(r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?")
LOCAL: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})


def check_origin(text: str) -> str:
    """Returns the origin as a browser sends it (RFC 6454). Raises Invalid unless it is https, or http on localhost."""
    found = ORIGIN.fullmatch(text.lower())
    if found is None or (found["scheme"] == "http" and found["host"] not in LOCAL):
        raise Invalid(f"{text} is not an origin such as https://shop.example.")
    return text.lower()

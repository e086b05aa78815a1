"""Origins of the pages and apps that may open a checkout: a page's, all pages below a host, or an app's address.

- `https://shop.example`, `http://localhost:3000`: pages of this origin, as browsers send it (RFC 6454).
- `https://*.shop.example`: pages of every host below shop.example, but not of shop.example itself.
- `capacitor://localhost`, `acme://done`: pages in an app, or the app that opens such addresses (RFC 8252, 7.1).
"""

import re
from collections.abc import Collection
from typing import Final

from gateway.values.errors import Invalid

# As browsers write it: host names in other scripts are in punycode.
PAGE: Final = re.compile(r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?")
BELOW: Final = re.compile(r"https://\*(?P<end>(\.[a-z0-9-]+){2,}(:\d{1,5})?)")
APP: Final = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://[a-z0-9][a-z0-9.-]*")
LOCAL: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
# Schemes that are no app's own: of browsers, files, mail and other protocols.
TAKEN: Final = frozenset(
    [
        *("about", "blob", "chrome", "chrome-extension", "content", "data", "file", "filesystem", "ftp", "http"),
        *("https", "intent", "jar", "javascript", "mailto", "moz-extension", "sms", "tel", "vbscript"),
        *("view-source", "ws", "wss"),
    ]
)


def check_origin(text: str) -> str:
    """Returns the origin in lower case. Raises Invalid unless it has one of the forms above."""
    origin = text.lower()
    page, app = PAGE.fullmatch(origin), APP.fullmatch(origin)
    is_page = page is not None and (page["scheme"] == "https" or page["host"] in LOCAL)
    is_app = app is not None and app["scheme"] not in TAKEN
    if not (is_page or is_app or BELOW.fullmatch(origin)):
        raise Invalid(f"{text} is not an origin such as https://shop.example, https://*.shop.example or acme://done.")
    return origin


def is_allowed(origin: str, allowed: Collection[str]) -> bool:
    """Whether a page or app of `origin` is one of `allowed`, which passed `check_origin`."""
    return origin in allowed or any(_is_below(origin, one) for one in allowed)


def is_app(origin: str) -> bool:
    return APP.fullmatch(origin) is not None and not origin.startswith(("http:", "https:"))


def permission_of(origin: str) -> str:
    """For an operator: who may open a checkout because of this entry."""
    if below := BELOW.fullmatch(origin):
        return f"pages of every host below {below['end'][1:]}"
    if is_app(origin):
        return f"an app: pages that it shows at {origin}, and returns to it by {origin}"
    return f"pages of {origin}"


def _is_below(origin: str, pattern: str) -> bool:
    below = BELOW.fullmatch(pattern)
    is_page = origin.startswith("https://") and PAGE.fullmatch(origin) is not None
    return below is not None and is_page and origin.endswith(below["end"]) and not origin.endswith(f"//{below['end']}")

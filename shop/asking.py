"""A request as the handlers see it, and whether it may come in."""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import parse_qs

from shop.config import Site

LARGEST: Final = 64 * 1024  # bytes of a body
COOKIE: Final = "shop_visitor"
COOKIE_FORM: Final = re.compile(r"[A-Za-z0-9_-]{43}")
HOOK: Final = "/webhooks"  # the one POST that comes from no page


class Refusal(Exception):
    """An answer other than 200, and its sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass
class Asked:
    """Header names in lower case. `given`: the cookie to be set with the answer, or none."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    site: Site
    given: str = ""

    @cached_property
    def cookie(self) -> str:
        """The visitor's own; empty where there is none of the right form."""
        try:
            found = SimpleCookie(self.headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return ""
        return found.value if found and COOKIE_FORM.fullmatch(found.value) else ""

    def give_cookie(self) -> str:
        """A new one, from now on the visitor's."""
        self.given = secrets.token_urlsafe(32)
        return self.given

    @cached_property
    def json(self) -> dict[str, Any]:
        if not self.headers.get("content-type", "").startswith("application/json"):
            raise Refusal(415, "The body must be application/json.")
        try:
            fields = json.loads(self.body)
        except (ValueError, RecursionError):
            raise Refusal(400, "The body is not JSON.") from None
        if not isinstance(fields, dict):
            raise Refusal(400, "The body must be a JSON object.")
        return fields

    def text(self, name: str, form: str) -> str:
        """A field of the body, if it has this form."""
        value = self.json.get(name)
        if not isinstance(value, str) or not re.fullmatch(form, value):
            raise Refusal(400, f"{name} is missing or malformed.")
        return value


def asked(
    *, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes, sites: Mapping[str, Site]
) -> Asked:
    """Raises Refusal for what may not come in, before anything of it is used."""
    site = sites.get(headers.get("host", ""))
    if site is None:
        raise Refusal(400, "The demo site is not served under this host name.")
    if len(body) > LARGEST:
        raise Refusal(413, "The body must not exceed 64 KiB.")
    if method == "POST" and path != HOOK:
        _same_origin(headers, site)
    wanted = {name: values[0] for name, values in parse_qs(query).items()}
    return Asked(method, path, wanted, headers, body, site)


def _same_origin(headers: Mapping[str, str], site: Site) -> None:
    """Browsers send Origin with every POST and let no page choose it; what comes without one comes from no page."""
    if headers.get("origin") != site.origin or headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise Refusal(403, "This must be asked for by the demo site's own page.")

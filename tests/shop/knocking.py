"""The shop as a browser or a stranger knocks at it, without a socket."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from shop.config import Config, Partner, Site
from shop.server import Server

HOST: Final = "127.0.0.1:8001"
ORIGIN: Final = f"http://{HOST}"
WEBHOOK_SECRET: Final = "whsec_" + "c2VjcmV0" * 5 + "c2U="
# Nobody listens at port 1.
PARTNER: Final = Partner("demo-site", "http://127.0.0.1:1", "a" * 43, "j" * 43, (WEBHOOK_SECRET,), "m" * 43)


@dataclass(frozen=True, slots=True)
class Told:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Knocker:
    server: Server

    def __call__(self, method: str, path: str, body: bytes = b"", **headers: str) -> Told:
        """`headers` with underscores; a POST comes from the shop's own page unless they say otherwise."""
        own = {"host": HOST, "content_type": "application/json"} | ({"origin": ORIGIN} if method == "POST" else {})
        told = {name.replace("_", "-"): value for name, value in (own | headers).items()}
        path, _, query = path.partition("?")
        status, sent, content = self.server.answer(method, path, query, told, body)
        return Told(status, {name.lower(): value for name, value in sent}, content)

    def post(self, path: str, **fields: Any) -> Told:
        return self("POST", path, json.dumps(fields).encode())


def knocker(directory: Path, *, url: str = PARTNER.url) -> Knocker:
    partner = Partner(PARTNER.name, url, PARTNER.api_secret, PARTNER.jwt_secret, PARTNER.webhook_secrets, "m" * 43)
    sites = {
        HOST: Site(ORIGIN, "http://127.0.0.1:8000"),
        "shop.example": Site("https://shop.example", "https://g.example"),
    }
    return Knocker(Server(Config(partner, sites, directory / "shop.sqlite3")))

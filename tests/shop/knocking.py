"""The shop as a browser or a stranger knocks at it, without a socket."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from httpx2 import Response
from starlette.testclient import TestClient

from shop.app import create_app
from shop.config import Config, Partner, Site

HOST: Final = "127.0.0.1:8001"
ORIGIN: Final = f"http://{HOST}"
WEBHOOK_SECRET: Final = "whsec_" + "c2VjcmV0" * 5 + "c2U="
# Nobody listens at port 1.
PARTNER: Final = Partner("demo-site", "http://127.0.0.1:1", "a" * 43, "j" * 43, (WEBHOOK_SECRET,), "m" * 43)


class Knocker:
    """Keeps no cookies: a test says which cookie a request has."""

    def __init__(self, config: Config) -> None:
        self._app = create_app(config)

    def __call__(self, method: str, path: str, body: bytes = b"", **headers: str) -> Response:
        """`headers` with underscores; a POST comes from the shop's own page unless they say otherwise."""
        own = {"host": HOST, "content_type": "application/json"} | ({"origin": ORIGIN} if method == "POST" else {})
        given = {name.replace("_", "-"): value for name, value in (own | headers).items()}
        client = TestClient(self._app, base_url=ORIGIN, follow_redirects=False)
        return client.request(method, path, content=body, headers=given)

    def post(self, path: str, **fields: Any) -> Response:
        client = TestClient(self._app, base_url=ORIGIN)
        return client.post(path, json=fields, headers={"origin": ORIGIN})


def knocker(directory: Path, *, url: str = PARTNER.url) -> Knocker:
    sites = {
        HOST: Site(ORIGIN, "http://127.0.0.1:8000"),
        "shop.example": Site("https://shop.example", "https://g.example"),
    }
    return Knocker(Config(replace(PARTNER, url=url), sites, directory / "shop.sqlite3"))

"""The page and what it is made of: files of this package, read once."""

import re
from functools import lru_cache
from pathlib import Path
from typing import Final

from shop.answering import HTML, Answer
from shop.config import Site

WEB: Final = Path(__file__).parent / "web"
TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
ASSET: Final = re.compile(r"/assets/([a-z]+\.(?:js|css|json|svg))")


def page(path: str, site: Site) -> Answer | None:
    """None where no page or file has this path."""
    if path == "/":
        content = _read("index.html").replace(b"{{gateway}}", site.gateway_url.encode())
        return Answer(200, content, HTML)
    found = ASSET.fullmatch(path)
    if found is None or not (WEB / found[1]).is_file():
        return None
    return Answer(200, _read(found[1]), TYPES[Path(found[1]).suffix], [("Cache-Control", "no-cache")])


@lru_cache(maxsize=32)
def _read(name: str) -> bytes:
    return (WEB / name).read_bytes()

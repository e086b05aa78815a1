"""What must be found nowhere, in every form in which it could be; and the places where it is looked for."""

import base64
import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from threading import Event, Thread
from typing import Any, Final
from urllib.parse import quote, quote_plus, urljoin, urlsplit

import redis
import requests

# An encrypted secret, as Fernet writes it. It may only be in a database column of that name.
SEALED: Final = re.compile(r"gAAAAA[\w-]{40,}")
NOT_TO_BE_FOLLOWED: Final = ("/admin/logout/", "/admin/jsi18n/", "/static/")
MOST_PAGES: Final = 400


@dataclass
class Places:
    """By name, all that was said there."""

    said: dict[str, list[str]] = field(default_factory=dict)

    def keep(self, place: str, *texts: str) -> None:
        self.said.setdefault(place, []).extend(texts)

    def with_any(self, secrets: Mapping[str, str]) -> dict[str, set[str]]:
        """Which of the `secrets` are in which place, by the names of both; places without any are left out."""
        known = {name: set(forms(secret)) for name, secret in secrets.items()}
        found = {
            place: {name for name, seen in known.items() if any(form in text for form in seen for text in texts)}
            for place, texts in self.said.items()
        }
        return {place: names for place, names in found.items() if names}

    def with_sealed(self) -> dict[str, list[str]]:
        return {place: found for place, texts in self.said.items() if (found := SEALED.findall("\n".join(texts)))}


def forms(secret: str) -> Iterator[str]:
    """As it is, and as URLs, HTML, JSON and base64 write it."""
    yield from (secret, quote(secret, safe=""), quote_plus(secret), html.escape(secret), json.dumps(secret)[1:-1])
    raw = secret.encode()
    for shift in range(3):  # base64 of a text around it, in its three alignments; the edges belong to the neighbours
        yield base64.b64encode(b"x" * shift + raw)[4:-4].decode()


def signature(token: str) -> str:
    """Of a JWT, what makes it one."""
    return token.rpartition(".")[2]


def handed_out(value: Any) -> Iterator[str]:
    """The users' tokens that an answer gives to its partner, as the contract has it."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "smallcaseAuthToken" and inner:
                yield inner
            else:
                yield from handed_out(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from handed_out(inner)


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: Sequence[tuple[str, str | None]]) -> None:
        self.found.extend(value for name, value in attributes if (tag, name) == ("a", "href") and value)


def console_pages(session: requests.Session, base: str) -> Iterator[tuple[str, str]]:
    """Path and text of each page linked from the console, as the logged-in user sees it."""
    waiting, seen = ["/admin/"], {"/admin/"}
    while waiting and len(seen) < MOST_PAGES:
        path = waiting.pop(0)
        page = session.get(base + path, timeout=20)
        yield path, page.text
        links = _Links()
        links.feed(page.text)
        for link in links.found:
            found = urlsplit(urljoin(path, link))
            wanted = not found.netloc and found.path.startswith("/admin/") and not found.query
            if wanted and found.path not in seen and not found.path.startswith(NOT_TO_BE_FOLLOWED):
                seen.add(found.path)
                waiting.append(found.path)


class Listener:
    """Every command that Redis is given, the messages with it."""

    def __init__(self, url: str) -> None:
        self.heard: list[str] = []
        self._ended = Event()
        self._client = redis.Redis.from_url(url)
        self._thread = Thread(target=self._listen, daemon=True)

    def __enter__(self) -> "Listener":
        self._monitor = self._client.monitor().__enter__()  # type: ignore[no-untyped-call]
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._client.ping()  # one more command, for it to look up
        self._thread.join(10)
        self._monitor.__exit__(None, None, None)
        self._client.close()

    def _listen(self) -> None:
        while not self._ended.is_set():
            command = str(self._monitor.next_command()["command"])
            self.heard.append(command)
            self.heard.extend(_bodies(command))


def _bodies(command: str) -> Iterator[str]:
    """Celery's messages carry their arguments in base64."""
    for found in re.findall(r'\\*"body\\*": ?\\*"([A-Za-z0-9+/=]+)', command):
        yield base64.b64decode(found).decode("utf-8", "replace")

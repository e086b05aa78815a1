"""The shop's configuration, from its environment alone: no secret stands on a command line or in a file."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

ORIGINS, GATEWAY_URLS = "SHOP_ORIGINS", "SHOP_GATEWAY_URLS"
API_SECRET, JWT_SECRET, WEBHOOK_SECRETS = "SHOP_API_SECRET", "SHOP_JWT_SECRET", "SHOP_WEBHOOK_SECRETS"
GATEWAY, DATABASE, MANAGER_TOKEN = "SHOP_GATEWAY", "SHOP_DATABASE", "SHOP_MANAGER_TOKEN"
NEEDED: Final = (GATEWAY, ORIGINS, GATEWAY_URLS, API_SECRET, JWT_SECRET, WEBHOOK_SECRETS, DATABASE)


@dataclass(frozen=True, slots=True)
class Site:
    """A host name that the shop answers to, and where a browser there reaches the gateway."""

    origin: str
    gateway_url: str


@dataclass(frozen=True, slots=True)
class Partner:
    """What a partner holds of its gateway. `webhook_secrets`: several while one is being rotated."""

    name: str
    url: str
    api_secret: str
    jwt_secret: str
    webhook_secrets: tuple[str, ...]
    manager_token: str = ""

    def __repr__(self) -> str:
        """No traceback tells a secret."""
        return f"Partner({self.name!r}, {self.url!r})"


@dataclass(frozen=True, slots=True)
class Config:
    """`sites` by the Host header."""

    partner: Partner
    sites: Mapping[str, Site]
    database: Path


def read_config(environment: Mapping[str, str] = os.environ) -> Config:
    """Ends the start with a sentence that names what is missing."""
    missing = [name for name in NEEDED if not environment.get(name)]
    if missing:
        raise SystemExit(f"The demo site cannot start: {', '.join(missing)} is not set.")
    urls = _words(environment[GATEWAY_URLS])
    partner = Partner(
        name=environment[GATEWAY],
        url=urls[0],
        api_secret=environment[API_SECRET],
        jwt_secret=environment[JWT_SECRET],
        webhook_secrets=_words(environment[WEBHOOK_SECRETS]),
        manager_token=environment.get(MANAGER_TOKEN, ""),
    )
    return Config(partner, _sites(_words(environment[ORIGINS]), urls), Path(environment[DATABASE]))


def _sites(origins: tuple[str, ...], urls: tuple[str, ...]) -> dict[str, Site]:
    if len(origins) != len(urls):
        raise SystemExit(f"The demo site cannot start: {ORIGINS} and {GATEWAY_URLS} must be as long as each other.")
    return {urlsplit(origin).netloc: Site(origin, url) for origin, url in zip(origins, urls, strict=True)}


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())

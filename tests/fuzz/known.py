"""The fuzzer's knowledge of the gateway: credentials, and ids of existing objects."""

import re
from dataclasses import dataclass
from typing import Final

PLACEHOLDER: Final = re.compile(r"{([a-z_]+)}")


@dataclass(slots=True)
class Known:
    """`endpoints`, `fields` of bodies and `queries` are the OpenAPI document's; `pages` are the console's lists.

    `ids` are by the placeholders of paths, with those of an investment and of the finished transaction besides.
    `cookie` opens the console, `manager` the manager API.
    """

    host: str
    port: int
    api_secret: str
    guest: str
    manager: str
    cookie: str
    endpoints: tuple[tuple[str, str], ...]
    fields: tuple[str, ...]
    queries: tuple[str, ...]
    pages: tuple[str, ...]
    user: str
    ids: dict[str, str]

    @property
    def base(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        return {"x-gateway-secret": self.api_secret, "x-gateway-authtoken": self.guest, "Authorization": self.manager}

    def path(self, template: str) -> str:
        """Filled; a placeholder that nobody told us of raises KeyError, for then an operation would go unasked."""
        return PLACEHOLDER.sub(lambda found: self.ids[found[1]], template)

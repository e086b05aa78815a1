"""The partner's server once more, over a real socket."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from tests.partner import Answer, Partner

PATIENCE = 40.0  # seconds


@dataclass
class DistantPartner(Partner):
    """Every call on a connection of its own, so that threads may share it."""

    base: str = ""

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        auth_id: str | None = None,
        headers: Mapping[str, str] | None = None,
        query: Any = None,
    ) -> Answer:
        sent = self.headers(auth_id=auth_id) if headers is None else dict(headers)
        url = self.base + path.replace("{gateway}", self.name)
        with requests.request(method, url, json=body, headers=sent, params=query, timeout=PATIENCE) as response:
            return Answer(response.status_code, response.json(), dict(response.headers))

    def play(self, client_id: str) -> str:
        """A transaction, created and confirmed; its id."""
        transaction_id = self.create()
        answer = self.complete(transaction_id, client_id)
        assert answer.status == 200, answer.body
        return transaction_id

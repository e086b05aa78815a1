"""A server that does nothing: it shows the most that the load generator can do."""

from typing import Any


async def application(scope: Any, exchange: Any) -> None:
    await exchange()
    exchange.response_bytes(200, [("content-type", "application/json"), ("content-length", "2")], b"{}")

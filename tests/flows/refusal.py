"""What every refusal has in common: its envelope, its id, and that nothing was written."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db.models import Model

from gateway.models import Account
from tests.partner import Answer
from transactions.models import Batch, Order, Transaction
from webhooks.models import Event

KEYS: Final = {"success", "errors", "errorType", "data"}
WRITTEN: Final[tuple[type[Model], ...]] = (Account, Transaction, Batch, Order, Event)


def rows() -> dict[str, int]:
    return {model.__name__: model._default_manager.count() for model in WRITTEN}


@contextmanager
def nothing_written() -> Iterator[None]:
    before = rows()
    yield
    assert rows() == before


def assert_refused(answer: Answer, status: int, error_type: str) -> None:
    assert (answer.status, answer.error_type) == (status, error_type), answer.body
    assert answer.body.keys() == KEYS
    assert answer.body["success"] is False
    assert answer.errors
    assert all(answer.errors)
    assert answer.headers["Request-Id"]
    assert answer.headers["Content-Type"] == "application/json"

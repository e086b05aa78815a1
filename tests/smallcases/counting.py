"""How many SQL statements a block costs; transaction brackets (BEGIN, SAVEPOINT, COMMIT) are none."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection
from django.test.utils import CaptureQueriesContext

BRACKETS: Final = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")


@contextmanager
def at_most(limit: int) -> Iterator[None]:
    with CaptureQueriesContext(connection) as captured:
        yield
    sent = [query["sql"] for query in captured if not query["sql"].startswith(BRACKETS)]
    listing = "\n".join(f"{number:3} {sql[:300]}" for number, sql in enumerate(sent, start=1))
    assert len(sent) <= limit, f"{len(sent)} statements, {limit} allowed:\n{listing}"

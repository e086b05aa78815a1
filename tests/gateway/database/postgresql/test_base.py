"""What a request finds at the connection that the last one has left."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from gateway.database.postgresql.base import BELIEVED, DatabaseWrapper
from tests.processes.waiting import until

pytestmark = [pytest.mark.servers, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def kept() -> Iterator[Any]:
    """A connection beside the test's own, as a thread of the web keeps one."""
    mine = connection.copy()
    assert isinstance(mine, DatabaseWrapper)
    mine.settings_dict = {**connection.settings_dict, "CONN_HEALTH_CHECKS": True, "CONN_MAX_AGE": 600}
    begin_request(mine)
    asked(mine, "SELECT 42")
    yield mine
    mine.close()


def begin_request(mine: Any) -> None:
    """What Django does before each."""
    mine.close_if_unusable_or_obsolete()


def asked(mine: Any, question: str) -> Any:
    with mine.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchone()[0]


def process(mine: Any) -> int:
    return int(mine.connection.info.backend_pid)


def last_words(mine: Any) -> str:
    """The last statement that the server was sent on it."""
    return str(asked(connection, f"SELECT query FROM pg_stat_activity WHERE pid = {process(mine)}"))


def is_gone(pid: int) -> bool:
    return bool(asked(connection, f"SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = {pid}"))


class TestAKeptConnection:
    def test_is_used_unasked_once_it_has_answered(self, kept: Any) -> None:
        before = process(kept)
        begin_request(kept)
        assert (kept.is_usable(), last_words(kept)) == (True, "SELECT 1")
        asked(kept, "SELECT 42")

        begin_request(kept)
        assert (kept.is_usable(), last_words(kept)) == (True, "SELECT 42")
        assert (asked(kept, "SELECT 43"), process(kept)) == (43, before)

    def test_is_asked_again_after_a_while(self, kept: Any) -> None:
        assert kept.is_usable()
        asked(kept, "SELECT 42")
        kept._answered -= BELIEVED

        assert (kept.is_usable(), last_words(kept)) == (True, "SELECT 1")

    def test_is_asked_after_an_error(self, kept: Any) -> None:
        assert kept.is_usable()
        asked(kept, "SELECT 42")
        kept.errors_occurred = True

        begin_request(kept)

        assert (kept.errors_occurred, last_words(kept)) == (False, "SELECT 1")

    def test_that_the_server_ended_is_replaced_before_anybody_notices(self, kept: Any) -> None:
        assert kept.is_usable()
        before = process(kept)
        asked(connection, f"SELECT pg_terminate_backend({before})")
        until(lambda: is_gone(before), what="the end of a connection")

        begin_request(kept)

        assert asked(kept, "SELECT 42") == 42
        assert process(kept) != before

    def test_that_was_closed_here_is_not_usable(self, kept: Any) -> None:
        assert kept.is_usable()
        kept.connection.close()

        assert not kept.is_usable()

"""What holds in the web alone."""

from typing import Any

import pytest

from gateway import wsgi

POSTGRES = "django.db.backends.postgresql"


class TestLimitStatements:
    @pytest.mark.parametrize(
        ("database", "options"),
        [
            ({"ENGINE": POSTGRES, "OPTIONS": {}}, {"options": "-c statement_timeout=15s -c lock_timeout=5s"}),
            (
                {"ENGINE": POSTGRES, "OPTIONS": {"options": "-c jit=off", "connect_timeout": 5}},
                {"options": "-c jit=off -c statement_timeout=15s -c lock_timeout=5s", "connect_timeout": 5},
            ),
            ({"ENGINE": "django.db.backends.sqlite3", "OPTIONS": {"timeout": 20}}, {"timeout": 20}),
        ],
    )
    def test_is_for_postgresql(self, database: dict[str, Any], options: dict[str, Any]) -> None:
        wsgi.limit_statements([database])

        assert database["OPTIONS"] == options

    def test_is_not_for_a_pooler_that_refuses_options(self, settings: Any) -> None:
        settings.DATABASE_POOLING = "transaction"
        database: dict[str, Any] = {"ENGINE": POSTGRES, "OPTIONS": {}}

        wsgi.limit_statements([database])

        assert database["OPTIONS"] == {}

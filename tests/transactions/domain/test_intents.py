from datetime import timedelta

import pytest

from transactions.domain.intents import NOT_SERVED, Intent, lifetime


class TestLifetime:
    @pytest.mark.parametrize(
        ("intent", "minutes"), [(Intent.TRANSACTION, 15), (Intent.CONNECT, 5), (Intent.CANCEL_ORDER, 5)]
    )
    def test_is_the_contracts(self, intent: Intent, minutes: int) -> None:
        assert lifetime(intent) == timedelta(minutes=minutes)


class TestNotServed:
    def test_names_no_intent_that_is_served(self) -> None:
        assert set(Intent) & NOT_SERVED == set()

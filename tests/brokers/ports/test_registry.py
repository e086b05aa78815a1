import pytest

from brokers.ports.registry import BROKERS, UnknownBroker, adapter_for, profile_of

# Contract §7.
KEYS = ["aliceblue", "angelbroking", "axis", "dhan", "edelweiss", "fisdom", "fivepaisa", "fundzbazar", "groww", "hdfc"]
KEYS += ["icici", "iifl", "kite", "kotak", "motilal", "trustline", "upstox"]


class TestBrokers:
    def test_are_the_contracts(self) -> None:
        assert list(BROKERS) == KEYS

    def test_take_limit_orders_where_the_contract_says(self) -> None:
        assert [key for key, profile in BROKERS.items() if profile.limit_orders] == ["fivepaisa", "groww", "kite"]

    @pytest.mark.parametrize("key", KEYS)
    def test_have_a_name_and_an_adapter(self, key: str) -> None:
        assert profile_of(key).name
        assert adapter_for(key)

    @pytest.mark.parametrize("key", ["", "Kite", "robinhood"])
    def test_are_no_others(self, key: str) -> None:
        with pytest.raises(UnknownBroker):
            adapter_for(key)

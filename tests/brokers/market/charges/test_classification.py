from importlib import import_module

import pytest
from django.apps import apps

from brokers.market.charges.classification import charge_class_of
from brokers.models import Instrument


class TestTheClassOfAnInstrument:
    @pytest.mark.parametrize(
        ("kind", "name", "charge_class"),
        [
            ("STOCK", "Muthoot Finance gold loans", "SHARE"),
            ("REIT", "Embassy Office Parks REIT", "SHARE"),
            ("INVIT", "IndiGrid Infrastructure Trust", "SHARE"),
            ("ETF", "Nippon India ETF Nifty 50 BeES", "EQUITY_ETF"),
            ("ETF", "ICICI Prudential Nifty 100 Low Volatility 30 ETF", "EQUITY_ETF"),
            ("ETF", "CPSE ETF", "EQUITY_ETF"),
            ("ETF", "Nippon India ETF Gold BeES", "OTHER_ETF"),
            ("ETF", "Nippon India Silver ETF", "OTHER_ETF"),
            ("ETF", "Zerodha Nifty 1D Rate Liquid ETF", "OTHER_ETF"),
            ("ETF", "Nippon India ETF Nifty 5 yr Benchmark G-Sec", "OTHER_ETF"),
            ("ETF", "Motilal Oswal NASDAQ 100 ETF", "OTHER_ETF"),
        ],
    )
    def test_follows_from_its_kind_and_name(self, kind: str, name: str, charge_class: str) -> None:
        assert charge_class_of(kind, name).value == charge_class

    def test_is_in_the_shipped_list(self, instruments: None) -> None:
        kinds = dict(Instrument.objects.values_list("symbol", "charge_class"))

        assert {symbol for symbol, found in kinds.items() if found == "OTHER_ETF"} == {
            *("GOLDBEES", "GOLDIETF", "SILVERBEES"),
            *("LIQUIDBEES", "LIQUIDCASE", "LTGILTBEES", "GILT5YBEES"),
            "MON100",
        }
        assert (kinds["INFY"], kinds["NIFTYBEES"]) == ("SHARE", "EQUITY_ETF")

    def test_is_filled_by_the_migration_as_it_is_shipped(self, instruments: None) -> None:
        shipped = dict(Instrument.objects.values_list("symbol", "charge_class"))
        Instrument.objects.update(charge_class="SHARE")

        import_module("brokers.migrations.0007_charge_classes").classify(apps, None)

        assert dict(Instrument.objects.values_list("symbol", "charge_class")) == shipped

"""Charges of delivery (CNC) orders: dated rates (rates.csv), the brokers' tariffs, and the contract note of a day."""

from brokers.market.charges.contract_note import (
    NOTHING,
    ChargedOrder,
    Charges,
    ScripDay,
    charges_of,
    own_charges,
)
from brokers.market.charges.rates import ChargeClass
from brokers.market.charges.tariffs import TARIFFS, Tariff

__all__ = [
    "NOTHING",
    "TARIFFS",
    "ChargeClass",
    "ChargedOrder",
    "Charges",
    "ScripDay",
    "Tariff",
    "charges_of",
    "own_charges",
]

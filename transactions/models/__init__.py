"""Transactions, their batches and orders, corrections, imported holdings and checkout sessions."""

from transactions.models.basket_models import Batch, Order, Transaction, choices
from transactions.models.checkout_models import CheckoutSession, HoldingsSnapshot
from transactions.models.correction_models import CorrectionState, OrderCorrection

__all__ = [
    "Batch",
    "CheckoutSession",
    "CorrectionState",
    "HoldingsSnapshot",
    "Order",
    "OrderCorrection",
    "Transaction",
    "choices",
]

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.test import TestCase
from pytest_django import DjangoDbBlocker

from brokers.management.commands.load_instruments import SHIPPED
from brokers.market.instrument_files import load, read_instruments
from tests.invariants.world import World, much_that_happened
from tests.receiver import Receiver


@pytest.fixture(scope="module")
def shared(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Made once for a module, for it takes a second."""
    with django_db_blocker.unblock(), rolled_back(), Receiver() as receiver:
        load(read_instruments(SHIPPED).instruments)
        yield much_that_happened(receiver)


@pytest.fixture
def db(shared: World) -> Iterator[None]:
    """Replaces pytest-django's empty database: contains the world, and is unchanged after each test."""
    with rolled_back():
        yield


@pytest.fixture
def world(db: None, shared: World) -> World:
    return shared


@contextmanager
def rolled_back() -> Iterator[None]:
    """As TestCase does it: durable blocks within take it for the outermost."""
    atomics = TestCase._enter_atomics()  # type: ignore[attr-defined]  # Django's own, not public
    try:
        yield
    finally:
        TestCase._rollback_atomics(atomics)  # type: ignore[attr-defined]

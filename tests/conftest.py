"""What every test may ask for. The clock is real, except where a test asks for `now`."""

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from copy import copy
from datetime import UTC, datetime
from functools import cache, partial
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import time_machine
from celery import current_app
from django.conf import settings as django_settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher, ScryptPasswordHasher
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management.color import no_style
from django.core.management.commands import flush
from django.db import connection
from django.db.models import Model

from brokers.management.commands.load_instruments import SHIPPED
from brokers.market.instrument_files import load, read_instruments
from brokers.models import Instrument
from brokers.ports.links import Links, links
from gateway.api import rate_limits
from gateway.partners import clock
from gateway.partners.credentials import Credentials
from gateway.telemetry.metric_files import DIRECTORY
from gateway.values.timestamps import IST
from tests import make
from tests.examples import LONG
from tests.partner import Partner
from tests.processes.stack import migrated_directory
from tests.receiver import Receiver
from tests.scheduling import ByFolderOrFile
from transactions import tasks as batch_tasks

HERE = Path(__file__).parent
hypothesis.settings.register_profile("unhurried", deadline=None)  # another test may have the processor
hypothesis.settings.load_profile("unhurried")
import_module("gateway.urls")  # discovers the console's pages, which some tests go through
append_only = import_module("gateway.migrations.0003_audit_trail")
KEPT_BY_FLUSH: tuple[type[Model], ...] = (ContentType, Permission, Group, Group.permissions.through)
NOWHERE = "memory://"
_stores = count(1)


@pytest.fixture
def now() -> Iterator[datetime]:
    """A Friday, 11:00 IST: NSE is open; the next Tuesday is a holiday. The real clock starts here, too, and runs on."""
    moment = datetime(2026, 11, 20, 5, 30, tzinfo=UTC)
    with time_machine.travel(moment, tick=True):
        yield moment


@pytest.fixture(autouse=True)
def _now_from_the_first_fixture_on(request: pytest.FixtureRequest) -> None:
    """Else rows of other fixtures would come from another day."""
    if "now" in request.fixturenames:
        request.getfixturevalue("now")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Without the triggers of the audit trail: a test that commits ends with `flush`, which empties every table.

    `flush` then copies permissions and roles back. The receivers of `post_migrate`, which make them, take a quarter of
    the time of such a test.
    """
    with django_db_blocker.unblock(), connection.schema_editor() as editor:
        append_only.take_down(None, editor)
        kept = [(model, list(model._base_manager.all())) for model in KEPT_BY_FLUSH]

    def put_back(*_: object) -> None:
        for model, rows in kept:
            model._base_manager.bulk_create(rows)
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), [model for model, _ in kept]):
                cursor.execute(statement)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flush, "emit_post_migrate_signal", put_back)
        yield


@pytest.fixture
def instruments(db: None) -> None:
    """The shipped catalogue of 219, as if it were loaded today."""
    made = [copy(instrument) for instrument in _shipped()]
    for instrument in made:
        instrument.priced_on = clock.wall().astimezone(IST).date()
    load(made)


@cache
def _shipped() -> list[Instrument]:
    return read_instruments(SHIPPED).instruments


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFolderOrFile:
    return ByFolderOrFile(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="bigger counts")
    parser.addoption("--without-servers", metavar="WHY", help="skip tests marked `servers`, for this reason")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if why := config.getoption("--without-servers"):
        for item in items:
            if item.get_closest_marker("servers"):
                item.add_marker(pytest.mark.skip(reason=why))


def pytest_collection_finish() -> None:
    """From here on garbage is collected. What was imported and collected is never looked at for it."""
    gc.freeze()
    gc.enable()


def pytest_configure(config: pytest.Config) -> None:
    """Counts of this run alone, from the first request on, which comes with the collection (test_openapi).

    In the usual place a slot would count on from where the last run has left it.
    """
    gc.disable()  # half of the time that it takes to collect the tests
    os.environ[DIRECTORY] = tempfile.mkdtemp(prefix="gateway-metrics-")
    config.add_cleanup(partial(shutil.rmtree, os.environ[DIRECTORY]))
    if config.getoption("--long"):
        os.environ[LONG] = "1"
    # Passwords of the tests are nobody's: scrypt takes a thousandth of its usual time for them.
    ScryptPasswordHasher.work_factor = 2**4
    PBKDF2PasswordHasher.iterations = 1_000
    # Calls of brokers run in the test's own thread and transaction.
    django_settings.BROKER_CALLS_AT_ONCE = 1
    # A static file is looked up when it is asked for. Otherwise each test client begins with reading all of them.
    django_settings.WHITENOISE_AUTOREFRESH = True
    # Wake-up messages go nowhere, from before the first fixture on: the first decides where all of a process go. Celery
    # heeds the environment before its own configuration.
    os.environ.pop("CELERY_BROKER_URL", None)
    current_app.conf.update(broker_url=NOWHERE)


@pytest.fixture(autouse=True)
def _a_new_worker() -> None:
    """Which knows of no outage."""
    batch_tasks._worker.cache_clear()


@pytest.fixture(autouse=True)
def _no_real_queue() -> Iterator[None]:
    """Nowhere again, wherever a test has sent them."""
    yield
    current_app.conf.update(broker_url=NOWHERE)


@pytest.fixture(autouse=True)
def _no_limits(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is counted, unless a test sets a rate; then the count begins with that test."""
    settings.RATE_LIMIT_GATEWAY = settings.RATE_LIMIT_ACCOUNT = settings.RATE_LIMIT_WRONG_SECRETS = ""
    settings.RATE_LIMIT_STORAGE_URL = f"memory://{next(_stores)}"
    monkeypatch.setattr(rate_limits, "shut_out", rate_limits.ShutOut())
    vars(links).update(vars(Links()))


@pytest.fixture
def eager(transactional_db: None, instruments: None) -> Iterator[None]:
    """Every wake-up message is answered at once, in this process: what workers do, without the wait."""
    current_app.conf.task_always_eager = True
    current_app.conf.task_eager_propagates = True
    yield
    current_app.conf.task_always_eager = False


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A partner's webhook endpoint on loopback."""
    with Receiver() as listening:
        yield listening


@pytest.fixture
def credentials(instruments: None) -> Credentials:
    return make.credentials()


@pytest.fixture
def partner(eager: None, receiver: Receiver) -> Partner:
    """A partner's server with a test gateway whose webhooks reach `receiver`."""
    return make.partner(webhook_url=receiver.url)


@pytest.fixture(scope="session")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The VAR_DIR that a first start of the embedded default makes; tests copy it."""
    own = tmp_path_factory.getbasetemp()
    return migrated_directory((own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "first-start")


@pytest.fixture
def embedded() -> bool:
    """Whether this run is on the embedded default."""
    return bool(django_settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"))

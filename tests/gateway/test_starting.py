"""What a process has loaded when it begins, each in an interpreter of its own."""

import subprocess
import sys
from typing import Final

from tests.servers import ROOT

WORKER: Final = """
import sys
from gateway.celery import app
app.loader.import_default_modules()
print(sorted({"gateway.urls", "gateway.console.site", "transactions.tasks"} & set(sys.modules)))
"""
FORKING: Final = """
import gc
from celery.signals import worker_before_create_process
from gateway.celery import app
app.loader.import_default_modules()
worker_before_create_process.send(sender=None)
print(gc.get_freeze_count() > 100_000, gc.isenabled())
"""
CHECKED: Final = """
import django
django.setup()
from django.contrib import admin
from django.core import checks
before = len(admin.site._registry)
checks.run_checks(tags=[checks.Tags.admin])
print(before, len(admin.site._registry) > 10)
"""
WEB: Final = """
import gc, os, sys, threading
from gateway.telemetry import metrics; from gateway import web
web.load()
from django.contrib import admin
from django.db import connection
open_files = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
sockets = [path for path in open_files if os.path.islink(path) and os.readlink(path).startswith("socket:")]
print(gc.isenabled(), gc.get_freeze_count() > 100_000, bool(admin.site._registry))
print(threading.active_count(), connection.connection, sockets, metrics._slot._held)
"""


class TestAWorker:
    def test_starts_without_the_pages_that_it_does_not_serve(self) -> None:
        assert _said(WORKER) == ["['transactions.tasks']"]

    def test_shares_what_it_has_loaded_with_the_processes_that_it_forks(self) -> None:
        assert _said(FORKING) == ["True True"]


class TestTheChecks:
    def test_look_at_the_consoles_pages_though_nobody_serves_them(self) -> None:
        assert _said(CHECKED) == ["0 True"]


class TestTheWeb:
    def test_has_loaded_everything_before_it_forks_and_holds_nothing_that_two_cannot(self) -> None:
        assert _said(WEB) == ["True True True", "1 None [] None"]


def _said(script: str) -> list[str]:
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()

"""Three views: an INSERT, bytes from memory, and these bytes after the statements that the gateway runs for them."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from benchmarks.bare.models import Wish


def healthz(request: HttpRequest) -> HttpResponse:
    return _sent(b"{}")


def insert(request: HttpRequest) -> HttpResponse:
    made = Wish._default_manager.create(
        name=f"TRX_{uuid4().hex}", body=json.loads(request.body), created_at=timezone.now()
    )
    return _sent(json.dumps({"success": True, "errors": None, "data": {"transactionId": made.name}}).encode())


def answer(request: HttpRequest, number: int) -> HttpResponse:
    return _sent(answers()[number]["body"])


def queried(request: HttpRequest, number: int) -> HttpResponse:
    known = answers()[number]
    with connection.cursor() as cursor:
        for statement in known["statements"]:
            cursor.execute(statement)
            cursor.fetchall()
    return _sent(known["body"])


@cache
def answers() -> list[dict[str, Any]]:
    """The file that benchmarks.paths.reads has written: bodies, and the statements behind each."""
    told = json.loads(Path(os.environ["BENCH_ANSWERS"]).read_text())
    return [{"body": one["body"].encode(), "statements": one["statements"]} for one in told]


def _sent(body: bytes) -> HttpResponse:
    return HttpResponse(body, content_type="application/json", headers={"content-length": str(len(body))})

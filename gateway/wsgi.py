import logging
import os
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway.settings")
logging.captureWarnings(True)  # Celery's processes do so too


def limit_statements(databases: Iterable[dict[str, Any]]) -> None:
    """For the web alone: workers do longer work, and migrations wait for locks. Holds for connections made from now.

    Not where transactions are pooled: whoever had the connection next would inherit them (docs/scaling.md).
    """
    for database in databases:
        if database["ENGINE"].endswith(".postgresql") and settings.DATABASE_POOLING == "session":
            limits = {
                "statement_timeout": settings.STATEMENT_TIMEOUT_SECONDS,
                "lock_timeout": settings.LOCK_TIMEOUT_SECONDS,
            }
            told = " ".join(f"-c {name}={seconds}s" for name, seconds in limits.items())
            database["OPTIONS"]["options"] = f"{database['OPTIONS'].get('options', '')} {told}".strip()


application = get_wsgi_application()
limit_statements(connections.settings.values())

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
ENQUEUE = (
    "import django; django.setup(); from gateway.queue.enqueue import TaskName, enqueue; "
    "enqueue(TaskName.SEND_REBALANCE_NOTICE, row=7, attempt=0)"
)


class TestEnqueue:
    def test_is_a_hint_that_may_be_lost(self, tmp_path: Path) -> None:
        nowhere = {"VAR_DIR": str(tmp_path), "CELERY_BROKER_URL": "redis://127.0.0.1:9/0"}
        settings = {"DJANGO_SETTINGS_MODULE": "gateway.settings", "PYTHONPATH": str(ROOT)}

        done = subprocess.run(
            [sys.executable, "-c", ENQUEUE],
            env={**os.environ, **settings, **nowhere},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

        assert (done.returncode, done.stderr.count("\n")) == (0, 1)
        assert "No wake-up message for send_rebalance_notice 7: " in done.stderr
        assert done.stderr.endswith("The sweep will find it.\n")

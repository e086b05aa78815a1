"""The harness itself: whatever becomes of a test, its processes go."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.processes.waiting import until
from tests.servers import ROOT

# Starts a process that starts another, says its group, and waits to be ended.
PARENT = """
import signal, sys
from pathlib import Path
from tests.processes.stack import Processes
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
with Processes({}, Path(sys.argv[1])) as processes:
    processes.start("sleeper", ["/bin/sh", "-c", "/bin/sleep 60 & /bin/sleep 60"])
    print(processes.running["sleeper"].pid, flush=True)
    signal.pause()
"""


def lives(group: int) -> bool:
    with suppress(ProcessLookupError):
        os.killpg(group, 0)
        return True
    return False


class TestProcesses:
    @pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
    def test_go_with_their_test(self, tmp_path: Path, end: signal.Signals) -> None:
        command = [sys.executable, "-c", PARENT, str(tmp_path / "log")]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
            assert parent.stdout is not None
            group = int(parent.stdout.readline())
            assert lives(group)

            parent.send_signal(end)

            until(lambda: not lives(group), what="gone")

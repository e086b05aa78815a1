"""The SDK's own tests, which are JavaScript: run by Node's test runner."""

import subprocess
from pathlib import Path

from tests.programs import NODE

TESTS = Path(__file__).with_name("scdk.test.mjs")


class TestTheSdk:
    def test_passes_its_own_tests(self) -> None:
        done = subprocess.run([NODE, "--test", str(TESTS)], check=False, capture_output=True, text=True, timeout=120)

        assert done.returncode == 0, done.stdout[-6000:]
        assert "# fail 0" in done.stdout or "ℹ fail 0" in done.stdout

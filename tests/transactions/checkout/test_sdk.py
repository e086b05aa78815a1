"""The SDK's own tests, which are JavaScript: run by Node's test runner where there is a Node."""

import shutil
import subprocess
from pathlib import Path

import pytest

TESTS = Path(__file__).with_name("scdk.test.mjs")


class TestTheSdk:
    def test_passes_its_own_tests(self) -> None:
        node = shutil.which("node")
        if node is None:
            pytest.skip("NOT RUN: there is no node (18 or newer) on this machine. tests/browser still uses the SDK.")

        done = subprocess.run([node, "--test", str(TESTS)], check=False, capture_output=True, text=True, timeout=120)

        assert done.returncode == 0, done.stdout[-6000:]
        assert "# fail 0" in done.stdout or "ℹ fail 0" in done.stdout

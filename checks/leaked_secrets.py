"""Searches tracked files for credentials: python -m checks.leaked_secrets [file …]

A line that only looks like a credential is excused by its exact text in EXCUSED, with the reason.
Own code, because it is short: detect-secrets has had no release since May 2024, and the other scanners are not
Python packages.
"""

import math
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from checks.tracked_files import ROOT, tracked_files

# Credentials that their form reveals.
SHAPES: Final[Mapping[str, re.Pattern[str]]] = {
    "private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "webhook secret": re.compile(r"whsec_[A-Za-z0-9+/]{43}="),
    "encrypted secret": re.compile(r"gAAAAA[\w-]{90,}"),
    "JWT": re.compile(r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{40,}"),
    "AWS key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "GitHub token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{60,})"),
    "Slack token": re.compile(r"\bxox[abprs]-[\w-]{20,}"),
    "PyPI token": re.compile(r"\bpypi-[\w-]{60,}"),
    "Google API key": re.compile(r"\bAIza[\w-]{35}\b"),
    "password in a URL": re.compile(r"://[^\s:@/{}\"'$]*:(?!password@)[^\s@/{}\"'$…]{8,}@"),
}
# Credentials that their name reveals, if their text is random enough.
NAMED: Final = re.compile(
    r"(?i)[\w-]*(?:secret|password|passwd|token|api_?key|encryption_key)[\w-]*[\"']?\s*[:=]\s*[\"']?(?P<value>[\w+/=-]{20,})"
)
HEX: Final = re.compile(r"[0-9a-f]{32,}", re.IGNORECASE)
# Bits per character: random text of 16 characters has at most 4, of 64 at most 6 (about 4.8 if 40 long); words have 3.
RANDOM_HEX, RANDOM_TEXT = 3.2, 4.0
FILES: Final = re.compile(r"(^|/)(\.env(\..+)?|id_(rsa|ed25519|ecdsa)|[^/]+\.(pem|key|p12|pfx|jks|kdbx))$")
EXCUSED: Final[Mapping[str, str]] = {
    'current_app.conf.update(broker_url="redis://:swordfish@127.0.0.1:1/0")': "a test's own; no such server exists",
}


def main(arguments: Sequence[str]) -> int:
    paths = [Path(argument) for argument in arguments] or list(tracked_files())
    found = [line for path in paths for line in _in_file(path)]
    print(*found, sep="\n", end="\n" if found else "")
    print(f"{len(paths)} files, {len(found)} suspected credentials.")
    return int(bool(found))


def suspicions(text: str) -> Iterator[tuple[int, str]]:
    """Line number and kind of each suspected credential."""
    for number, line in enumerate(text.splitlines(), 1):
        if any(excused in line for excused in EXCUSED):
            continue
        yield from ((number, kind) for kind, shape in SHAPES.items() if shape.search(line))
        if any(_is_random(found["value"]) for found in NAMED.finditer(line)):
            yield number, "random text with a secret's name"


def _is_random(text: str) -> bool:
    """By Shannon entropy. Text without a digit counts as a name, however long."""
    shares = [times / len(text) for times in Counter(text).values()]
    bits = -sum(share * math.log2(share) for share in shares)
    is_named = not any(character.isdigit() for character in text)
    return not is_named and bits >= (RANDOM_HEX if HEX.fullmatch(text) else RANDOM_TEXT)


def _in_file(path: Path) -> Iterator[str]:
    name = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
    if FILES.search(name):
        yield f"{name}: a file with this name contains credentials"
    yield from (f"{name}:{number}: {kind}" for number, kind in suspicions(path.read_text(errors="replace")))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

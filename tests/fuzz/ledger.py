"""What was asked and what came back, counted; what should not have come back, kept so that it can be asked again."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Finding:
    """`kind` and `where` tell findings apart; `request` sends it again."""

    kind: str
    where: str
    told: str
    request: bytes


@dataclass(slots=True)
class Ledger:
    """`statuses` by number, or by a word where the server closed without an answer."""

    asked: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    findings: dict[tuple[str, str], Finding] = field(default_factory=dict)
    times: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def requests(self) -> int:
        return self.asked.total()

    @property
    def failures(self) -> int:
        """5xx answers, each counted."""
        return sum(times for status, times in self.statuses.items() if status.startswith("5"))

    def note(self, source: str, status: str) -> None:
        self.asked[source] += 1
        self.statuses[status] += 1

    def find(self, finding: Finding) -> None:
        """The first of its kind is kept, every one is counted."""
        self.findings.setdefault((finding.kind, finding.where), finding)
        self.times[finding.kind, finding.where] += 1

    def add(self, other: "Ledger") -> None:
        self.asked += other.asked
        self.statuses += other.statuses
        self.times += other.times
        self.findings = {**other.findings, **self.findings}

    def keep(self, directory: Path) -> list[str]:
        """A line for each finding; its request as a file that `--replay` sends."""
        directory.mkdir(parents=True, exist_ok=True)
        lines = []
        for number, (key, finding) in enumerate(sorted(self.findings.items()), 1):
            path = directory / f"{number:03}.http"
            path.write_bytes(finding.request)
            lines.append(f"{finding.kind}, {finding.where} ({self.times[key]} ×): {finding.told}\n    again: {path}")
        return lines

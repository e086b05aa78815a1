"""A rebalance from a file: JSON with label, rationale and constituents, or CSV, a row for each constituent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from brokers.market.instrument_files import Reject
from gateway.values.errors import Invalid
from gateway.values.text_files import read_text
from smallcases.catalogue import weights
from smallcases.catalogue.file_entries import CONSTITUENT, Entry, constituents_of, is_json, json_of, rows_of
from smallcases.catalogue.smallcase_files import weighted
from smallcases.catalogue.weights import Weighted

TEXTS: Final = frozenset({"label", "rationale"})


@dataclass(frozen=True, slots=True)
class Rebalance:
    """As a file tells it: `label` and `rationale` are empty where it does not."""

    label: str
    rationale: str
    constituents: Sequence[Weighted]
    rejects: Sequence[Reject]


def read_rebalance(path: Path) -> Rebalance:
    """Raises Invalid for a file that is no rebalance, or is cut short."""
    return rebalance_of(read_text(path), path.name)


def rebalance_of(text: str, name: str) -> Rebalance:
    """As read_rebalance, of a file that somebody has sent."""
    entry = _of_json(json_of(text, name)) if is_json(Path(name), text) else _of_csv(text, name)
    constituents, rejects = weighted(entry)
    if not rejects:
        lines = {ticker.strip(): line for line, ticker, _ in entry.constituents}
        found = weights.problems(constituents)
        rejects = [Reject(lines.get(problem.ticker, entry.line), problem.sentence) for problem in found]
    return Rebalance(entry.fields.get("label", ""), entry.fields.get("rationale", ""), constituents, rejects)


def _of_json(value: Any) -> Entry:
    told: Mapping[str, Any] = value if isinstance(value, dict) else {"constituents": value}
    if stray := sorted(told.keys() - TEXTS - {"constituents"}):
        raise Invalid(f"{', '.join(stray)}: not a field of a rebalance.")
    texts = {name: told.get(name, "") for name in TEXTS}
    if wrong := [name for name, text in texts.items() if not isinstance(text, str)]:
        raise Invalid(f"{', '.join(sorted(wrong))} must be a text.")
    return Entry(1, texts, constituents_of(1, told.get("constituents")))


def _of_csv(text: str, name: str) -> Entry:
    rows = rows_of(text, name, required=CONSTITUENT)
    return Entry(1, {}, [(line, row["ticker"], row["weight"]) for line, row in rows])

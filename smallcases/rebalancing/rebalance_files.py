"""Reads a rebalance from JSON with label, rationale and constituents, or from CSV with a row for each constituent."""

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
    """A rebalance from a file; `label` and `rationale` are empty if the file has none."""

    label: str
    rationale: str
    constituents: Sequence[Weighted]
    rejects: Sequence[Reject]


def read_rebalance(path: Path) -> Rebalance:
    """Raises Invalid for a file that is truncated or not a rebalance."""
    return rebalance_of(read_text(path), path.name)


def rebalance_of(text: str, name: str) -> Rebalance:
    """As read_rebalance, for the text of an uploaded file."""
    entry = _of_json(json_of(text, name)) if is_json(Path(name), text) else _of_csv(text, name)
    constituents, rejects = weighted(entry)
    if not rejects:
        lines = {ticker.strip(): line for line, ticker, _ in entry.constituents}
        found = weights.problems(constituents)
        rejects = [Reject(lines.get(problem.ticker, entry.line), problem.sentence) for problem in found]
    return Rebalance(entry.fields.get("label", ""), entry.fields.get("rationale", ""), constituents, rejects)


def _of_json(value: Any) -> Entry:
    given: Mapping[str, Any] = value if isinstance(value, dict) else {"constituents": value}
    if stray := sorted(given.keys() - TEXTS - {"constituents"}):
        raise Invalid(f"{', '.join(stray)}: not a field of a rebalance; accepted: label, rationale, constituents.")
    texts = {name: given.get(name, "") for name in TEXTS}
    if wrong := [name for name, text in texts.items() if not isinstance(text, str)]:
        raise Invalid(f"{', '.join(sorted(wrong))} must be a string.")
    return Entry(1, texts, constituents_of(1, given.get("constituents")))


def _of_csv(text: str, name: str) -> Entry:
    rows = rows_of(text, name, required=CONSTITUENT)
    return Entry(1, {}, [(line, row["ticker"], row["weight"]) for line, row in rows])

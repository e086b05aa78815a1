"""Reads smallcases from a JSON list or from CSV with a row for each constituent. One problem rejects the whole file."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

from brokers.market.instrument_files import Reject
from gateway.values.errors import Invalid
from gateway.values.ids import SCID
from smallcases.catalogue import weights
from smallcases.catalogue.file_entries import Entry, entries
from smallcases.catalogue.weights import Problem, Weighted, weight_of
from smallcases.models import Smallcase

HTTPS: Final = re.compile(r"https://[^\s\"'<>/]+(/[^\s\"'<>]*)?")
EARLIEST: Final = date(2000, 1, 1)
# A smallcase's texts and their maximum length in characters.
TEXTS: Final = {"name": 80, "short_description": 280, "rationale": 20_000, "publisher": 80}
CHOICES: Final[Mapping[str, Collection[str]]] = {
    "kind": Smallcase.Kind.values,
    "schedule": Smallcase.Schedule.values,
    "risk": Smallcase.Risk.values,
}
OPTIONAL: Final = ("manager", "image_url")
FIELDS: Final = ("scid", *TEXTS, *CHOICES, "benchmark", "launched_on", *OPTIONAL)


@dataclass(frozen=True, slots=True)
class Draft:
    line: int
    scid: str
    texts: Mapping[str, str]
    benchmark: str
    launched_on: date
    manager: str
    constituents: Sequence[Weighted]


@dataclass(frozen=True, slots=True)
class SmallcaseFile:
    drafts: list[Draft] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CatalogueNames:
    """The names that a file may use: instruments, whether each is tradable, and users who may be managers."""

    tradable: Mapping[str, bool]
    managers: Collection[str]
    today: date


def read_smallcases(path: Path, *, known: CatalogueNames) -> SmallcaseFile:
    """Raises Invalid for a file that is truncated or not a catalogue."""
    found = entries(path, fields=FIELDS)
    if not found:
        raise Invalid(f"{path.name} contains no smallcase.")
    times = Counter(str(entry.fields.get("scid")) for entry in found)
    reading = SmallcaseFile()
    for entry in found:
        wrong = list(_problems(entry, known))
        if times[str(entry.fields.get("scid"))] > 1:
            wrong.append(Reject(entry.line, f"{_name(entry)} is in the file twice"))
        reading.rejects.extend(wrong)
        if not wrong:
            reading.drafts.append(_draft(entry))
    return reading


def problems_of_version(constituents: Sequence[Weighted], tradable: Mapping[str, bool]) -> Iterator[Problem]:
    """The reasons why a version cannot be published. `tradable` has every known instrument."""
    yield from weights.problems(constituents)
    for ticker in dict.fromkeys(constituent.ticker for constituent in constituents):
        if ticker not in tradable:
            yield Problem(ticker, f"{ticker} is not in the catalogue of instruments.")
        elif not tradable[ticker]:
            yield Problem(ticker, f"{ticker} cannot be traded.")


def weighted(entry: Entry) -> tuple[list[Weighted], list[Reject]]:
    """The entry's valid constituents, and the rejected lines."""
    taken, rejects = list[Weighted](), list[Reject]()
    for line, ticker, given in entry.constituents:
        weight = weight_of(given)
        if not isinstance(ticker, str) or not ticker.strip():
            rejects.append(Reject(line, "ticker must not be empty"))
        elif weight is None:
            rejects.append(Reject(line, f"{ticker}: {weights.not_a_weight(given)}"))
        else:
            taken.append(Weighted(ticker.strip(), weight))
    return taken, rejects


def storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _problems(entry: Entry, known: CatalogueNames) -> Iterator[Reject]:
    constituents, rejects = weighted(entry)
    yield from rejects
    lines = {ticker.strip(): line for line, ticker, _ in entry.constituents if isinstance(ticker, str)}
    for problem in [] if rejects else problems_of_version(constituents, known.tradable):
        yield Reject(lines.get(problem.ticker, entry.line), f"{_name(entry)}: {problem.sentence}")
    for sentence in _problems_of_fields(entry.fields, known):
        yield Reject(entry.line, f"{_name(entry)}: {sentence}")


def _problems_of_fields(given: Mapping[str, Any], known: CatalogueNames) -> Iterator[str]:
    for name in given.keys() - set(FIELDS):
        yield f"{name} is not a field of a smallcase"
    for name in FIELDS:
        value = given.get(name) or ""
        if not isinstance(value, str):
            yield f"{name} must be a string"
        elif not storable(value):
            yield f"{name} contains a character that cannot be stored (NUL or a lone surrogate)"
        elif name in OPTIONAL and not value:
            continue
        elif problem := _problem(name, value, known):
            yield problem


def _problem(name: str, value: str, known: CatalogueNames) -> str | None:
    if name in TEXTS:
        fits = 0 < len(value.strip()) <= TEXTS[name]
        return None if fits else f"{name} must have 1 to {TEXTS[name]} characters"
    if name in CHOICES:
        return None if value in CHOICES[name] else f"{name} must be one of {', '.join(CHOICES[name])}"
    return _PROBLEMS[name](value, known)


def _of_date(value: str, known: CatalogueNames) -> str | None:
    try:
        launched = date.fromisoformat(value)
    except ValueError:
        return "launched_on must be a date such as 2024-04-01"
    return None if EARLIEST <= launched <= known.today else f"launched_on must be between {EARLIEST} and today"


_PROBLEMS: Final[Mapping[str, Callable[[str, CatalogueNames], str | None]]] = {
    "scid": lambda v, _: None if SCID.fullmatch(v) else "scid must look like SCNM_0001",
    "benchmark": lambda v, known: None if v in known.tradable else f"benchmark {v!r} is not in the catalogue",
    "launched_on": _of_date,
    "manager": lambda v, known: None if v in known.managers else f"manager {v!r} is not a user",
    "image_url": lambda v, _: None if HTTPS.fullmatch(v) and len(v) <= 500 else "image_url must be an https URL",
}


def _draft(entry: Entry) -> Draft:
    texts = {name: str(entry.fields.get(name) or "").strip() for name in (*TEXTS, *CHOICES, "image_url")}
    return Draft(
        line=entry.line,
        scid=entry.fields["scid"],
        texts=texts,
        benchmark=entry.fields["benchmark"],
        launched_on=date.fromisoformat(entry.fields["launched_on"]),
        manager=entry.fields.get("manager") or "",
        constituents=weighted(entry)[0],
    )


def _name(entry: Entry) -> str:
    return str(entry.fields.get("scid") or "a smallcase without scid")[:40]

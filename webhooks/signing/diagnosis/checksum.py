"""Gateway's checksum: hex(HMAC-SHA256(API secret, timestamp + smallcaseAuthId)), both exactly as in the body."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from webhooks.signing.diagnosis.capture import Captured
from webhooks.signing.diagnosis.known_credentials import Known
from webhooks.signing.diagnosis.search import Cause, Mistake, Taken, distinct, encoded, first_fit, wrongly

FIELDS: Final = ("timestamp", "smallcaseAuthId", "checksum")
EXACTLY: Final = "Copy its text from the body unchanged."


def diagnose_checksum(
    captured: Captured, *, api_secret: str, known: Known, computed: str | None = None
) -> list[Mistake]:
    """`computed` is the checksum of a receiver's code, by default the one in the body. Findings as for a signature."""
    fields = _fields(captured.body)
    if fields is None:
        return [Mistake(Cause.BODY, "The body is not a JSON object.")]
    absent = [name for name in FIELDS if name not in fields and not (name == "checksum" and computed)]
    if absent:
        return [Mistake(Cause.MISSING, f"The body has no {name}.") for name in absent]
    given = (computed or str(fields["checksum"])).strip()
    found = first_fit(
        [_keys(api_secret, known), _stamps(fields["timestamp"], captured), _auth_ids(fields["smallcaseAuthId"]),
         _messages(captured.body, fields), _DIGESTS],
        lambda key, stamp, auth_id, message, digest: hmac.compare_digest(
            encoded(digest(key, message(stamp, auth_id))), encoded(given)
        ),
    )  # fmt: skip
    if found is None:
        return _unfit(api_secret, known)
    rest = "" if fields["smallcaseAuthId"] else "; without a smallcaseAuthId it signs timestamp"
    return found or [Mistake(Cause.GENUINE, f"The checksum is correct{rest}.")]


def _fields(body: bytes) -> Mapping[str, Any] | None:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def _keys(api_secret: str, known: Known) -> list[Taken]:
    keys = [Taken(encoded(api_secret))]
    keys += wrongly(Cause.SECRET, "The API secret has white space around it.", encoded(api_secret.strip()))
    given = known.name_of(api_secret) or "wrong"
    for name, secret in {**known.api, **known.jwt, **known.webhook}.items():
        reason = f"The given secret is {given}, but the checksum was made with {name}; its key is the API secret."
        keys += wrongly(Cause.SECRET, reason, encoded(secret), *_decoded(secret))
    keys += wrongly(Cause.SECRET, "The API secret is used as text, not decoded.", *_decoded(api_secret))
    return distinct(*keys)


def _decoded(secret: str) -> Iterator[bytes]:
    try:
        yield base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        return


def _stamps(given: Any, captured: Captured) -> list[Taken]:
    stamps = [Taken(str(given))]
    header = captured.headers.get("webhook-timestamp")
    if header:
        reason = "The timestamp in the message is the header webhook-timestamp; use the body's timestamp."
        stamps += wrongly(Cause.TIMESTAMP, reason, header)
    stamps += wrongly(Cause.TIMESTAMP, f"The timestamp was parsed and written again. {EXACTLY}", *_other_forms(given))
    return distinct(*stamps)


def _other_forms(given: Any) -> Iterator[str]:
    try:
        at = datetime.fromisoformat(str(given)).astimezone(UTC)
    except (ValueError, OverflowError):
        return
    yield from (at.isoformat(), at.isoformat(timespec="milliseconds"), at.isoformat(timespec="seconds"))
    yield from (f"{at:%Y-%m-%dT%H:%M:%SZ}", f"{at:%Y-%m-%dT%H:%M:%S.%fZ}", f"{at:%Y-%m-%d %H:%M:%S}", str(at))
    yield from (str(int(at.timestamp())), str(round(at.timestamp() * 1000)))


def _auth_ids(given: Any) -> list[Taken]:
    if given:
        return distinct(
            Taken(str(given)),
            *wrongly(Cause.AUTH_ID, f"The smallcaseAuthId is missing, or its letters were changed. {EXACTLY}",
                     "", str(given).upper(), f'"{given}"'),
        )  # fmt: skip
    reason = "The body has no smallcaseAuthId, so the message must not have any text for it, such as null."
    return distinct(Taken(""), *wrongly(Cause.AUTH_ID, reason, "null", "None", "undefined", "nil", '""'))


def _messages(body: bytes, fields: Mapping[str, Any]) -> list[Taken]:
    order = "The order is wrong: timestamp is first, smallcaseAuthId second."
    parted = "Join the two with nothing between them."
    whole = "The message is not the body: it is only timestamp and smallcaseAuthId."
    bare = json.dumps({name: value for name, value in fields.items() if name != "checksum"}, separators=(",", ":"))
    return [
        Taken(lambda stamp, auth_id: stamp + auth_id),
        *wrongly(Cause.MESSAGE, order, lambda stamp, auth_id: auth_id + stamp),
        *(_parted(part, parted) for part in (".", ":", "|", ",", " ", "-", "_", "&", "\n")),
        *(_parted(part, f"{order} {parted}", swapped=True) for part in (".", ":", "|", ",", " ")),
        *wrongly(Cause.MESSAGE, whole, lambda stamp, auth_id: body.decode("latin-1"), lambda stamp, auth_id: bare),
    ]


def _parted(part: str, sentence: str, *, swapped: bool = False) -> Taken:
    def message(stamp: str, auth_id: str) -> str:
        return f"{auth_id}{part}{stamp}" if swapped else f"{stamp}{part}{auth_id}"

    return Taken(message, Mistake(Cause.MESSAGE, sentence))


def _hex(key: bytes, message: str) -> str:
    return hmac.new(key, encoded(message), hashlib.sha256).hexdigest()


def _base64(key: bytes, message: str) -> str:
    return base64.b64encode(hmac.new(key, encoded(message), hashlib.sha256).digest()).decode()


def _of(algorithm: str) -> Callable[[bytes, str], str]:
    return lambda key, message: hmac.new(key, encoded(message), algorithm).hexdigest()


_KEYLESS: Final = "The checksum is a plain hash; it must be an HMAC, keyed with the API secret."
_DIGESTS: Final = [
    Taken(_hex),
    *wrongly(Cause.FORM, "The checksum is in upper case; it must be in lower case.", lambda k, m: _hex(k, m).upper()),
    *wrongly(Cause.FORM, "The checksum is in base64; it must be in hex.", _base64),
    *wrongly(
        Cause.FORM,
        "The checksum was made with another algorithm; it must be SHA-256.",
        *map(_of, ("sha1", "sha512", "md5")),
    ),
    *wrongly(
        Cause.FORM,
        _KEYLESS,
        lambda key, message: hashlib.sha256(encoded(message)).hexdigest(),
        lambda key, message: hashlib.sha256(key + encoded(message)).hexdigest(),
        lambda key, message: hashlib.sha256(encoded(message) + key).hexdigest(),
    ),
]


def _unfit(api_secret: str, known: Known) -> list[Mistake]:
    name = known.name_of(api_secret)
    if api_secret.startswith("whsec_") or name in known.webhook:
        reason = "This is an endpoint's webhook secret, which signs the headers; the checksum's key is the API secret."
        return [Mistake(Cause.SECRET, reason)]
    if name in known.jwt:
        return [Mistake(Cause.SECRET, f"This is {name}; the checksum's key is the API secret.")]
    if known.has_secrets and not name:
        return [Mistake(Cause.SECRET, "The secret is not one of this gateway's.")]
    reason = "No known mistake explains it: timestamp, smallcaseAuthId or checksum was changed on the way"
    return [Mistake(Cause.UNKNOWN, f"{reason}." if name else f"{reason}, or the API secret is wrong.")]

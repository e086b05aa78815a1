"""The Standard Webhooks signature: base64(HMAC-SHA256(base64-decoded secret, id.timestamp.body)), after `v1,`."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from webhooks.signing.diagnosis.bodies import bodies
from webhooks.signing.diagnosis.capture import Captured
from webhooks.signing.diagnosis.known_credentials import Known
from webhooks.signing.diagnosis.search import Cause, Mistake, Taken, distinct, encoded, first_fit, wrongly
from webhooks.signing.verify import TOLERANCE

HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")
PREFIX: Final = "whsec_"
DECODE: Final = "The key is not the secret's text: remove whsec_ and decode the rest from base64."
_MILLISECONDS: Final = 1000
MILLISECONDS_LONG: Final = 11  # digits; seconds have fewer until the year 5138
LONGEST_NUMBER: Final = 16


def diagnose_signature(captured: Captured, *, secret: str, known: Known, now: datetime) -> list[Mistake]:
    """One finding, GENUINE, or one for each wrong input."""
    absent = [name for name in HEADERS if not captured.headers.get(name)]
    if absent:
        return [Mistake(Cause.MISSING, f"The request has no header {name}.") for name in absent]
    given = captured.headers["webhook-signature"]
    forms = _digests(given)
    found = first_fit(
        [_keys(secret, known), _ids(captured, known), _stamps(captured), bodies(captured.body), _MESSAGES],
        lambda key, id_, stamp, body, message: _fit(key, message(id_, stamp, body), forms),
    )
    if found is None:
        return _unfit(captured, secret, known, forms)
    return found or _in_time(captured.headers["webhook-timestamp"], now)


def _digest(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def _fit(key: bytes, message: bytes, forms: Mapping[bytes, Mistake | None]) -> Mistake | bool:
    digest = _digest(key, message)
    return (forms[digest] or True) if digest in forms else False


def _digests(given: str) -> dict[bytes, Mistake | None]:
    """The digests that the header may contain, each with the fault of its form, if any."""
    found: dict[bytes, Mistake | None] = {}
    for token in given.split():
        version, comma, value = token.partition(",")
        if comma and version == "v1":
            _take(found, value, None)
        else:
            prefix = Mistake(Cause.FORM, "The signature lacks `v1,` in front; spaces separate several signatures.")
            for part in token.removeprefix("v1=").split(","):
                _take(found, part, prefix)
    return found


def _take(found: dict[bytes, Mistake | None], value: str, finding: Mistake | None) -> None:
    as_hex = Mistake(Cause.FORM, "The signature is in hex; it must be in base64.")
    as_url = Mistake(Cause.FORM, "The signature is in URL-safe or unpadded base64; it must be in standard base64.")
    plain = _decoded(value)
    if plain is not None:
        found.setdefault(plain, finding)
    for digest, wrong in ((_from_hex(value), as_hex), (_decoded_leniently(value), as_url)):
        if digest is not None:
            found.setdefault(digest, finding or wrong)


def _keys(secret: str, known: Known) -> list[Taken]:
    text = secret.strip().removeprefix(PREFIX)
    keys = [Taken(key)] if (key := _decoded(secret.removeprefix(PREFIX))) is not None else []
    trimmed = _decoded(text)
    lenient = _decoded_leniently(text)
    if trimmed is not None:
        keys += wrongly(Cause.SECRET, "The secret has white space around it.", trimmed)
    if lenient is not None:
        keys += wrongly(Cause.SECRET, "The secret lost its padding (`=`), or is in URL-safe base64.", lenient)
    keys += wrongly(Cause.SECRET, DECODE, encoded(text), encoded(secret))
    keys += wrongly(Cause.SECRET, DECODE, base64.b64encode(encoded(text)))
    given = known.name_of(secret)
    for name, other in known.webhook.items():
        if (key := _decoded(other.removeprefix(PREFIX))) is not None:
            reason = f"The given secret is {given or 'wrong'}: it was signed with {name}."
            keys += wrongly(Cause.SECRET, reason, key)
    return distinct(*keys)


def _ids(captured: Captured, known: Known) -> list[Taken]:
    given = captured.headers["webhook-id"]
    others = [other for other in known.ids if other != given]
    guesses = [wrongly(Cause.ID, f"The webhook-id is wrong: it was signed with {other}.", other) for other in others]
    return distinct(Taken(given), *(taken for one in guesses for taken in one))


def _stamps(captured: Captured) -> list[Taken]:
    given = captured.headers["webhook-timestamp"]
    stamps = [Taken(given)]
    if given.isdecimal() and MILLISECONDS_LONG < len(given) < LONGEST_NUMBER:
        seconds = str(int(given) // _MILLISECONDS)
        stamps += wrongly(Cause.TIMESTAMP, "The webhook-timestamp is in milliseconds; it is sent in seconds.", seconds)
    reason = "The webhook-timestamp is wrong: it was signed with {}, which is the timestamp in the body."
    for seconds in _timestamps_in(captured.body):
        stamps += wrongly(Cause.TIMESTAMP, reason.format(seconds), seconds)
    return distinct(*stamps)


def _timestamps_in(body: bytes) -> Iterator[str]:
    """The body's timestamp, and the seconds around it, because the body is made slightly earlier."""
    try:
        at = int(datetime.fromisoformat(json.loads(body)["timestamp"]).timestamp())
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError, OSError):
        return
    yield from (str(at + apart) for apart in (0, 1, -1, 2))


def _standard(id_: str, stamp: str, body: bytes) -> bytes:
    return encoded(f"{id_}.{stamp}.") + body


_MESSAGES: Final = [
    Taken(_standard),
    *wrongly(
        Cause.MESSAGE,
        "The signed message is not webhook-id.webhook-timestamp.body, all three joined by full stops.",
        lambda id_, stamp, body: body,
        lambda id_, stamp, body: encoded(f"{stamp}.") + body,
        lambda id_, stamp, body: encoded(f"{id_}.") + body,
        lambda id_, stamp, body: encoded(f"{id_}{stamp}") + body,
        lambda id_, stamp, body: encoded(f"{stamp}.{id_}.") + body,
    ),
]


def _in_time(stamp: str, now: datetime) -> list[Mistake]:
    apart = int(now.timestamp()) - int(stamp) if stamp.isdecimal() and len(stamp) < LONGEST_NUMBER else None
    if apart is None:
        return [Mistake(Cause.TIMESTAMP, "The webhook-timestamp is not a number of seconds.")]
    if abs(apart) <= TOLERANCE.total_seconds():
        return [Mistake(Cause.GENUINE, "The signature is correct.")]
    minutes = int(TOLERANCE.total_seconds()) // 60
    reason = f"is {abs(apart)} s in the {'past' if apart > 0 else 'future'}; receivers accept {minutes} minutes"
    return [Mistake(Cause.TOLERANCE, f"The signature is correct, but webhook-timestamp {reason}. Is the clock right?")]


def _unfit(captured: Captured, secret: str, known: Known, forms: Mapping[bytes, Mistake | None]) -> list[Mistake]:
    """Nothing fits: findings about each input alone."""
    if not forms:
        return [Mistake(Cause.FORM, "The webhook-signature is not base64 after `v1,`.")]
    wrong = _wrong_secret(captured, secret, known)
    if wrong:
        return [Mistake(Cause.SECRET, wrong)]
    if known.name_of(secret):
        reason = "The secret is right, so id, timestamp or body was changed on the way."
        return [Mistake(Cause.UNKNOWN, f"{reason} Save the raw bytes and all three headers of the same request.")]
    reason = "No known mistake explains it: the secret is another endpoint's, or id, timestamp or body was changed."
    return [Mistake(Cause.UNKNOWN, f"{reason} --gateway NAME compares the secret with the stored secrets.")]


def _wrong_secret(captured: Captured, secret: str, known: Known) -> str | None:
    if any(_fits_checksum(captured.body, key) for key in (secret, secret.strip())):
        return "This is the API secret, which signs the checksum. Verify signatures with an endpoint's whsec_ secret."
    name = known.name_of(secret)
    if name and name not in known.webhook:
        return f"This is {name}; verify signatures with an endpoint's whsec_ secret."
    if _decoded(secret.removeprefix(PREFIX)) is None:
        return "The secret is not whsec_ followed by base64."
    return "The secret is not one of this gateway's." if known.has_secrets and not name else None


def _fits_checksum(body: bytes, key: str) -> bool:
    try:
        fields = json.loads(body)
        message = f"{fields['timestamp']}{fields['smallcaseAuthId'] or ''}"
        return hmac.compare_digest(_digest(encoded(key), encoded(message)).hex(), str(fields["checksum"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _decoded_leniently(text: str) -> bytes | None:
    standard = text.replace("-", "+").replace("_", "/").rstrip("=")
    return _decoded(standard + "=" * (-len(standard) % 4))


def _from_hex(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text) or None
    except ValueError:
        return None

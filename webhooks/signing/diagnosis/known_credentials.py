"""A gateway's secrets and event ids, to recognise a value that is used in the wrong place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Known:
    """Secrets by their name in a sentence: "the JWT secret of demo". `ids` are possible webhook-ids."""

    api: Mapping[str, str] = field(default_factory=dict)
    jwt: Mapping[str, str] = field(default_factory=dict)
    webhook: Mapping[str, str] = field(default_factory=dict)
    ids: Sequence[str] = ()

    def name_of(self, secret: str) -> str | None:
        """The name of the secret with this value, or None."""
        everything = {**self.api, **self.jwt, **self.webhook}
        return next((name for name, value in everything.items() if value == secret.strip()), None)

    @property
    def has_secrets(self) -> bool:
        return bool(self.api or self.jwt or self.webhook)

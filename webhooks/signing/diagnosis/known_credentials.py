"""The secrets and ids of a gateway, to recognise a wrong one that is right elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Known:
    """Each secret by what it is called in a sentence: "the JWT secret of demo". `ids` may be the webhook-id."""

    api: Mapping[str, str] = field(default_factory=dict)
    jwt: Mapping[str, str] = field(default_factory=dict)
    webhook: Mapping[str, str] = field(default_factory=dict)
    ids: Sequence[str] = ()

    def name_of(self, secret: str) -> str | None:
        """What the gateway calls this value, if it is one of its secrets."""
        everything = {**self.api, **self.jwt, **self.webhook}
        return next((name for name, value in everything.items() if value == secret.strip()), None)

    @property
    def has_secrets(self) -> bool:
        return bool(self.api or self.jwt or self.webhook)

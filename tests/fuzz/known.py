"""What a fuzzer knows of the gateway that it asks: enough to get past the door, and to name what is there."""

from dataclasses import dataclass


@dataclass(slots=True)
class Known:
    """`endpoints`, `fields` of bodies and `queries` are the OpenAPI document's; `pages` are the console's lists.

    `cookie` opens the console, `manager` the manager API.
    """

    host: str
    port: int
    gateway: str
    api_secret: str
    guest: str
    user: str
    manager: str
    cookie: str
    transaction_id: str
    batch_id: str
    iscid: str
    scid: str
    endpoints: tuple[tuple[str, str], ...]
    fields: tuple[str, ...]
    queries: tuple[str, ...]
    pages: tuple[str, ...]

    @property
    def base(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        return {"x-gateway-secret": self.api_secret, "x-gateway-authtoken": self.guest, "Authorization": self.manager}

    def path(self, template: str) -> str:
        names = {
            "gateway": self.gateway,
            "transaction_id": self.transaction_id,
            "batch_id": self.batch_id,
            "scid": self.scid,
            "ticker": "INFY",
            "tradingsymbol": "INFY",
        }
        for name, value in names.items():
            template = template.replace(f"{{{name}}}", value)
        return template

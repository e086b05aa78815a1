"""The OpenAPI document: the envelope, the error types, and authentication."""

from collections.abc import Mapping
from typing import Any, Final

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse
from rest_framework.serializers import ListSerializer

from gateway.values.errors import RETRYABLE, ErrorType

Json = dict[str, Any]
SECRET: Final = "GatewaySecret"  # noqa: S105 - a scheme's name
TOKEN: Final = "AuthToken"  # noqa: S105 - likewise
MANAGER: Final = "ManagerToken"
_METHODS: Final = ("get", "post", "put", "delete")


class Schema(AutoSchema):
    """One tag per API; operation ids read like method names."""

    def get_tags(self) -> list[str]:
        return [
            {
                "sandbox": "Sandbox",
                "gateway": "Partner",
                "v1": "Partner",
                "manager": "Manager",
                "checkout": "Browser",
            }.get(self.path.split("/")[1], "Operators")
        ]

    def get_auth(self) -> list[dict[str, list[str]]]:
        schemes = {"Sandbox": [SECRET], "Partner": [SECRET, TOKEN], "Manager": [MANAGER], "Browser": [TOKEN]}
        names = schemes.get(self.get_tags()[0], [])
        without: list[dict[str, list[str]]] = [{}] if self.get_tags() == ["Browser"] else []  # a guest
        return [{name: [] for name in names}, *without] if names else []

    def _map_serializer_field(self, field: Any, direction: str, bypass_extensions: bool = False) -> Any:
        """Adds the length limits of lists, which drf-spectacular omits."""
        untyped: Any = super()
        schema = untyped._map_serializer_field(field, direction, bypass_extensions)
        longest = getattr(field, "max_length", None) if isinstance(field, ListSerializer) else None
        return schema | {"minItems": 0 if field.allow_empty else 1, "maxItems": longest} if longest else schema


class TextField(OpenApiSerializerFieldExtension):
    target_class = "gateway.api.fields.Text"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> Json:
        longest: Json = {"maxLength": self.target.max_length} if self.target.max_length else {}
        return text(**longest) | ({} if self.target.allow_blank else {"minLength": 1})


class MatchingField(OpenApiSerializerFieldExtension):
    target_class = "gateway.api.fields.Matching"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> Json:
        return text(pattern=f"^{self.target.pattern.pattern}$")


class RupeesField(OpenApiSerializerFieldExtension):
    target_class = "gateway.api.fields.Rupees"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> Json:
        return {
            "type": "number",
            "minimum": 0.01,
            "maximum": 9_999_999_999.99,
            "description": "Rupees, rounded to the paisa",
        }


class SharePriceSchema(OpenApiSerializerFieldExtension):
    target_class = "gateway.api.fields.SharePrice"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> Json:
        return {"type": "number", "minimum": 0.01, "maximum": 9_999_999_999.99, "multipleOf": 0.01}


def envelope(data: Json) -> Json:
    return obj({"success": {"type": "boolean", "enum": [True]}, "errors": {"type": "null"}, "data": data})


def answer(description: str, data: Json, *examples: Any) -> OpenApiResponse:
    return OpenApiResponse(response=envelope(data), description=description, examples=list(examples))


def obj(properties: Mapping[str, Json], *, closed: bool = True) -> Json:
    """An object whose properties are all required."""
    shape: Json = {"type": "object", "properties": dict(properties), "required": list(properties)}
    return shape | ({"additionalProperties": False} if closed else {})


def listed(items: Json) -> Json:
    return {"type": "array", "items": items}


def text(description: str = "", **more: Any) -> Json:
    return {"type": "string", **({"description": description} if description else {}), **more}


def one_of(*values: str) -> Json:
    return {"type": "string", "enum": list(values)}


def nullable(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


INTEGER: Final[Json] = {"type": "integer"}
NUMBER: Final[Json] = {"type": "number"}
BOOLEAN: Final[Json] = {"type": "boolean"}
MOMENT: Final[Json] = {
    "type": "string",
    "format": "date-time",
    "description": "UTC, ISO 8601, milliseconds, Z",
    "example": "2026-11-20T10:15:00.000Z",
}


def with_security_and_errors(result: Json, **_: Any) -> Json:
    """A postprocessing hook of drf-spectacular: adds to every operation what all have in common."""
    components = result.setdefault("components", {})
    components["securitySchemes"] = {
        SECRET: _header("x-gateway-secret", "The API secret."),
        TOKEN: _header(
            "x-gateway-authtoken",
            'HS256 JWT signed with the JWT secret: {"guest": true} or {"smallcaseAuthId": "<24 hex>"}. '
            "`iat`, `nbf` and `exp` are optional numbers of seconds since 1970: `iat` and `nbf` may be up to 60 s "
            "ahead of the gateway's clock, and `exp` has 10 s of grace.",
        ),
        MANAGER: _header("Authorization", "`Token <key>` of a user who may publish (`manage.py manager_token USER`)."),
    }
    components.setdefault("schemas", {})["Failure"] = _failure()
    components["headers"] = {
        "RequestId": {"schema": {"type": "string"}, "description": "Quote it to support."},
        "RateLimit-Limit": _count("Requests allowed per window, for the limit with the fewest requests left."),
        "RateLimit-Remaining": _count("Requests left in the window."),
        "RateLimit-Reset": _count("Seconds until the next window."),
    }
    for path in result["paths"].values():
        for method in _METHODS:
            if method in path:
                _add_errors(path[method])
        if "post" in path:
            _add_key(path["post"])
    return result


def _header(name: str, description: str) -> Json:
    return {"type": "apiKey", "in": "header", "name": name, "description": description}


_KEY: Final = {
    "in": "header",
    "name": "Idempotency-Key",
    "description": (
        "Repeat the key to repeat a request safely: within 24 hours the same request gets the first response. JSON is "
        "compared as parsed values; another request with the key gets 409 `IdempotencyMismatch`. After a 400 or 415 "
        "the corrected request may use the same key."
    ),
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
}
_REPLAYED: Final = {
    "schema": {"type": "string", "enum": ["true"]},
    "description": "This is the response to the first request with this Idempotency-Key.",
}


def _add_key(operation: Json) -> None:
    operation.setdefault("parameters", []).append(_KEY)
    for status, response in operation["responses"].items():
        if status[0] in "24":
            response["headers"]["Idempotency-Replayed"] = _REPLAYED


def _failure() -> Json:
    retryable = ", ".join(f"`{kind}`" for kind in ErrorType if kind in RETRYABLE)
    failure = obj(
        {
            "success": {"type": "boolean", "enum": [False]},
            "errors": listed(text("A sentence")),
            "errorType": one_of(*ErrorType) | {"description": f"Worth retrying later: {retryable}."},
            "data": nullable({"type": "object"}),
        }
    )
    return failure | {"x-retryable": {kind.value: kind in RETRYABLE for kind in ErrorType}}


_ERRORS: Final = {
    "400": "The request is invalid: one sentence per wrong field",
    "401": "The secret or the authtoken is wrong",
    "403": "The caller is known but not permitted",
    "404": "The gateway or object does not exist, or belongs to somebody else",
    "408": "The body did not arrive within 10 seconds",
    "409": "Not possible in the present state; SDK errors have their code in data",
    "413": "The body is larger than 64 KiB",
    "415": "The body is not JSON",
    "429": "Too many requests; Retry-After says when to try again",
    "503": "The database is unavailable",
}


_COUNTS: Final = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")


def _count(description: str) -> Json:
    return {"schema": {"type": "integer", "minimum": 0}, "description": description}


def _add_errors(operation: Json) -> None:
    without = set() if operation.get("security") else {"401", "403", "409", "429"}
    without |= set() if "requestBody" in operation else {"408", "413", "415"}
    for status, description in _ERRORS.items():
        if status not in without:
            operation["responses"].setdefault(
                status,
                {
                    "description": description,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}},
                },
            )
    for response in operation["responses"].values():
        headers = response.setdefault("headers", {})
        headers["Request-Id"] = {"$ref": "#/components/headers/RequestId"}
        if operation.get("security"):
            headers.update({name: {"$ref": f"#/components/headers/{name}"} for name in _COUNTS})

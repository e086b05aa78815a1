"""The OpenAPI document tells the truth: schemathesis plays every operation by it, against the gateway itself."""

import re
from collections.abc import Callable
from typing import Any, Final, cast

import pytest
import schemathesis
from django.contrib.auth.models import User
from hypothesis import HealthCheck, settings
from rest_framework.authtoken.models import Token
from schemathesis import Case
from schemathesis.config import SchemathesisConfig
from schemathesis.filters import HasAPIOperation

from gateway.database.encryption import encrypt
from gateway.models import Account
from gateway.partners import clock
from gateway.values.errors import RETRYABLE, ErrorType
from gateway.values.tokens import connected_token, guest_token
from gateway.wsgi import application
from smallcases.api.manager_tokens import kept_form
from tests import make
from tests.examples import examples
from transactions.domain.intents import Intent
from transactions.models import Batch, Transaction
from webhooks.delivery.endpoints import add_endpoint
from webhooks.events.event_types import EventType
from webhooks.events.replay import Span, start_replay
from webhooks.events.send_test_event import send_sample
from webhooks.models import Endpoint, Event, Replay

Json = dict[str, Any]
# What a schema cannot say, so that a request true to it may still be wrong (400): which tickers there are, their
# tick sizes, what of a basket goes together, that a clock is not set back, that 1.0 is no whole number.
BEYOND_A_SCHEMA: Final = (
    "POST /gateway/{gateway}/transaction",
    "POST /sandbox/{gateway}/batches/{batch_id}/orders/{tradingsymbol}/act",
    "POST /sandbox/{gateway}/clock",
    "PUT /sandbox/{gateway}/brokers/{broker}/faults",
    "PUT /sandbox/{gateway}/prices/{ticker}",
    "POST /sandbox/{gateway}/transactions/{transaction_id}/complete",
    "GET /v1/{gateway}/engine/orders/sst",
    "GET /v1/{gateway}/engine/orders/smt",
    "GET /v1/{gateway}/engine/smallcases",
    "GET /v1/{gateway}/engine/smallcase/chart",
    "POST /manager/v1/smallcases/{scid}/rebalances",
    "GET /v1/{gateway}/engine/webhooks/events",
    "POST /v1/{gateway}/engine/webhooks/replay",
    "POST /v1/{gateway}/engine/webhooks/test",
    "POST /sandbox/{gateway}/webhooks/trigger",
    "POST /checkout/{gateway}/sessions",
    "POST /checkout/{gateway}/sessions/outcome",
)
ORIGIN: Final = "https://shop.example"
CONNECTED: Final = (
    "GET /v1/{gateway}/engine/user/investments",
    "GET /v1/{gateway}/engine/user/exitedSmallcases",
    "GET /v1/{gateway}/engine/user/holdings",
    "GET /v1/{gateway}/engine/user/statement",
)
ACCEPTED: Final = ["2xx", "400", "401", "403", "404", "409"]
NAME, API_SECRET, JWT_SECRET = "documented", "a" * 43, "j" * 43
FRESH, PLACED, BATCH, USER = f"TRX_{'0' * 32}", f"TRX_{'1' * 32}", "2" * 24, "3" * 24
SCID, MANAGER = "TEST_0001", "m" * 40
EVENT, REPLAY, ENDPOINT = f"evt_{'4' * 24}", f"rpl_{'5' * 24}", "6" * 24
ACCEPTED_BY: Final = {"checks": {"positive_data_acceptance": {"expected-statuses": ACCEPTED}}}
CONFIG: Final = SchemathesisConfig.from_dict(
    {
        "headers": {
            "x-gateway-secret": API_SECRET,
            "x-gateway-authtoken": guest_token(JWT_SECRET),
            "Authorization": f"Token {MANAGER}",
            "Origin": ORIGIN,
        },
        "parameters": {
            "path.gateway": NAME,
            "path.ticker": "INFY",
            "path.broker": "kite",
            "path.tradingsymbol": "INFY",
            "path.transaction_id": FRESH,
            "path.batch_id": BATCH,
            "path.scid": SCID,
            "query.scid": SCID,
            "path.event_id": EVENT,
            "path.key": REPLAY,
            "path.endpoint_id": ENDPOINT,
        },
        "generation": {"allow-x00": False},  # no text can hold it, in whatever field
        "operations": [
            *({"include-name": name, **ACCEPTED_BY} for name in BEYOND_A_SCHEMA),
            *(
                {
                    "include-name": name,
                    "headers": {"x-gateway-authtoken": connected_token(JWT_SECRET, auth_id=USER)},
                    **ACCEPTED_BY,
                }
                for name in CONNECTED
            ),
            {
                "include-name": "GET /v1/{gateway}/engine/transactiondetails",
                "parameters": {"query.transactionId": PLACED},
            },
        ],
    }
)
schema: Final = schemathesis.openapi.from_wsgi("/api/schema/?format=json", application, config=CONFIG)


@pytest.fixture
def _documented(transactional_db: None, instruments: None) -> None:
    """A gateway with secrets known before it, a fresh transaction, and orders that are filling slowly.

    All of it committed: a request through WSGI, unlike the test client's, closes a connection that is inside atomic.
    """
    here = make.gateway()
    here.name, here.encrypted_api_secret, here.encrypted_jwt_secret = NAME, encrypt(API_SECRET), encrypt(JWT_SECRET)
    here.allowed_origins = [ORIGIN]
    here.save()
    Transaction.objects.filter(pk=make.transaction(gateway=here, now=clock.wall()).pk).update(transaction_id=FRESH)
    batch = make.queued_batch(gateway=here, client_id="slow", now=clock.wall())
    make.placed(batch)
    Batch.objects.filter(pk=batch.pk).update(batch_id=BATCH)
    Account.objects.create(gateway=here, auth_id=USER, broker="kite", client_id="documented", created_at=clock.wall())
    Token.objects.create(user=User.objects.create_superuser("manager"), key=kept_form(MANAGER))
    make.smallcase(scid=SCID)
    hook = add_endpoint(gateway=here, url="http://127.0.0.1:9/hooks", types=tuple(EventType), now=clock.wall()).endpoint
    Endpoint.objects.update(public_id=ENDPOINT)
    sent = send_sample(gateway=here, kind=EventType.ORDER_PLACED, endpoint=hook, marked=True, now=clock.wall())
    Event.objects.filter(pk=sent.pk).update(key=EVENT)
    start_replay(gateway=here, span=Span(since=clock.wall()), now=clock.wall())
    Replay.objects.update(key=REPLAY, due_at=None)
    Transaction.objects.filter(pk=batch.transaction_id).update(transaction_id=PLACED)


@pytest.fixture
def document() -> Json:
    return dict(schema.raw_schema)


def as_documented(operation: str) -> Callable[..., None]:
    """A test of one operation. Not one test for all of them: their ids would be the same, and xdist would run one."""

    def is_another(context: HasAPIOperation) -> bool:
        return bool(context.operation.definition.raw["operationId"] != operation)

    @schema.exclude(is_another).parametrize()  # `include` would be widened by the operations that CONFIG names
    @settings(
        max_examples=examples(12, long=100),
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    def test(self: object, case: Case[Any]) -> None:
        # Said again here: where an operation has a header of its own, credentials of CONFIG are taken for generated.
        case.call_and_validate(headers=schema.config.headers_for(operation=case.operation))

    return cast("Callable[..., None]", test)


@pytest.mark.usefixtures("_documented")
class TestAsDocumented:
    test_create_transaction = as_documented("createTransaction")
    test_transaction_details = as_documented("transactionDetails")
    test_securities_orders = as_documented("securitiesOrders")
    test_complete = as_documented("complete")
    test_market = as_documented("market")
    test_set_market = as_documented("setMarket")
    test_clock = as_documented("clock")
    test_move_clock = as_documented("moveClock")
    test_pin_price = as_documented("pinPrice")
    test_unpin_price = as_documented("unpinPrice")
    test_act = as_documented("act")
    test_faults = as_documented("faults")
    test_switch_faults = as_documented("switchFaults")
    test_clear_faults = as_documented("clearFaults")
    test_scenarios = as_documented("scenarios")
    test_smallcase_orders = as_documented("smallcaseOrders")
    test_investments = as_documented("investments")
    test_exited_smallcases = as_documented("exitedSmallcases")
    test_holdings = as_documented("holdings")
    test_statement = as_documented("statement")
    test_smallcases = as_documented("smallcases")
    test_smallcase = as_documented("smallcase")
    test_smallcase_chart = as_documented("smallcaseChart")
    test_rebalances = as_documented("rebalances")
    test_publish_rebalance = as_documented("publishRebalance")
    test_webhook_events = as_documented("webhookEvents")
    test_replay_event = as_documented("replayEvent")
    test_replay_events = as_documented("replayEvents")
    test_replay_progress = as_documented("replayProgress")
    test_webhook_endpoints = as_documented("webhookEndpoints")
    test_enable_endpoint = as_documented("enableEndpoint")
    test_send_test_event = as_documented("sendTestEvent")
    test_reset = as_documented("reset")
    test_trigger_webhook = as_documented("triggerWebhook")
    test_open_session = as_documented("openSession")
    test_session_outcome = as_documented("sessionOutcome")


class TestTheDocument:
    def test_is_openapi_three(self, document: Json) -> None:
        schema.validate()
        assert document["openapi"].split(".")[0] == "3"

    def test_names_every_operation_and_each_is_tested(self, document: Json) -> None:
        operations = [operation for path in document["paths"].values() for operation in path.values()]
        named = {re.sub("([A-Z])", r"_\1", operation["operationId"]).lower() for operation in operations}

        assert {f"test_{name}" for name in named} == {name for name in vars(TestAsDocumented) if name[:5] == "test_"}
        assert all(operation["summary"] for operation in operations)

    def test_lists_every_error_type(self, document: Json) -> None:
        failure = document["components"]["schemas"]["Failure"]

        assert failure["properties"]["errorType"]["enum"] == [kind.value for kind in ErrorType]

    def test_says_of_every_error_type_whether_to_retry(self, document: Json) -> None:
        flags = document["components"]["schemas"]["Failure"]["x-retryable"]

        assert set(flags) == set(ErrorType)
        assert {kind for kind, retryable in flags.items() if retryable} == RETRYABLE

    def test_asks_for_the_credentials_of_each_plane(self, document: Json) -> None:
        asked = {
            (path.split("/")[1], *(scheme for scheme in operation["security"][0]))
            for path, methods in document["paths"].items()
            for operation in methods.values()
        }

        assert asked == {
            ("gateway", "GatewaySecret", "AuthToken"),
            ("v1", "GatewaySecret", "AuthToken"),
            ("sandbox", "GatewaySecret"),
            ("manager", "ManagerToken"),
            ("checkout", "AuthToken"),
        }

    def test_promises_a_request_id_in_every_answer(self, document: Json) -> None:
        answers = [
            response
            for methods in document["paths"].values()
            for operation in methods.values()
            for response in operation["responses"].values()
        ]

        assert all("Request-Id" in answer["headers"] for answer in answers)

    def test_offers_an_idempotency_key_for_every_post_and_nothing_else(self, document: Json) -> None:
        takers = {
            (method, "Idempotency-Replayed" in operation["responses"]["200"]["headers"])
            for methods in document["paths"].values()
            for method, operation in methods.items()
            if "Idempotency-Key" in {parameter["name"] for parameter in operation.get("parameters", ())}
        }
        posts = [methods["post"] for methods in document["paths"].values() if "post" in methods]

        assert takers == {("post", True)}
        assert all("Idempotency-Key" in {one["name"] for one in post["parameters"]} for post in posts)

    @pytest.mark.parametrize(
        ("shape", "field", "said"),
        [
            ("SecurityIn", "ticker", {"type": "string", "pattern": "^[A-Z0-9][A-Z0-9&-]{0,19}$"}),
            ("SecurityIn", "quantity", {"type": "integer", "minimum": 1, "maximum": 1_000_000}),
            ("CreateTransaction", "notes", {"maxLength": 256}),
            ("CreateTransaction", "intent", {"enum": list(Intent)}),
            ("OrderConfigIn", "securities", {"minItems": 1, "maxItems": 100}),
            ("OrderConfigIn", "batchId", {"pattern": "^[0-9a-f]{24}$"}),
            ("PriceIn", "price", {"type": "number", "minimum": 0.01, "multipleOf": 0.01}),
        ],
    )
    def test_gives_the_limits_of_a_field(self, document: Json, shape: str, field: str, said: Json) -> None:
        told = document["components"]["schemas"][shape]["properties"][field]

        assert {name: told[name] for name in said} == said

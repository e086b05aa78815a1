"""A channel with unanswered messages is closed after its connection is gone: what Celery does when Redis was killed."""

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
import redis
from kombu import Connection, Message, Queue
from kombu.transport import redis as kombus

from gateway.api import rate_limits
from gateway.queue.redis_transport import RedisTransport, SentinelTransport
from tests.sentinel import MASTER, guarded
from tests.servers import redis_server

pytestmark = pytest.mark.servers
QUEUE = Queue("unanswered", routing_key="unanswered")


class Listener:
    """Hears, and answers nothing by itself; `at_once` is how many unanswered ones it may hold, 0 any number."""

    def __init__(self, connection: Connection, *, at_once: int = 0) -> None:
        self.words: list[str] = []
        self.messages: list[Message] = []
        self._connection = connection
        consumer = connection.Consumer([QUEUE], callbacks=[self._hear])
        consumer.qos(prefetch_count=at_once)
        consumer.consume()

    def listen(self) -> None:
        """Until nothing comes."""
        with suppress(socket.timeout):
            while True:
                self._connection.drain_events(timeout=0.2)

    def _hear(self, word: str, message: Message) -> None:
        self.words.append(word)
        self.messages.append(message)


@pytest.fixture
def url() -> Iterator[str]:
    with redis_server() as server:
        yield server.url


def let_go_of_a_message(url: str, transport: type[kombus.Transport]) -> list[str]:
    """What was heard, and not answered, on a channel that is closed last of all."""
    connection = Connection(url, transport=transport)
    heard = Listener(connection)
    connection.Producer().publish("message", routing_key="unanswered", declare=[QUEUE])
    heard.listen()
    channel = connection.default_channel
    connection.transport.client = None
    connection.maybe_close_channel(channel)
    return heard.words


class TestALostConnection:
    def test_is_let_go_of(self, url: str) -> None:
        assert let_go_of_a_message(url, RedisTransport) == ["message"]

    def test_would_end_the_worker_with_kombus_own_transport(self, url: str) -> None:
        """If this fails, kombu is fixed, and gateway.queue.redis_transport can be deleted."""
        with pytest.raises(AttributeError):
            let_go_of_a_message(url, kombus.Transport)


class TestABellThatIsNotAnswered:
    def test_is_written_down_nowhere(self) -> None:
        with redis_server(own=True) as server, Connection(server.url) as connection:
            heard = Listener(connection)
            connection.Producer().publish("message", routing_key="unanswered", declare=[QUEUE])
            heard.listen()
            with redis.Redis.from_url(server.url) as client:
                kept = client.keys("unacked*")

        assert (heard.words, kept) == (["message"], [])

    def test_keeps_its_place_until_it_is(self, url: str) -> None:
        """What a worker fetches ahead is limited, so that messages wait where another can take them."""
        with Connection(url) as connection:
            heard = Listener(connection, at_once=2)
            for word in ("one", "two", "three"):
                connection.Producer().publish(word, routing_key="unanswered", declare=[QUEUE])
            heard.listen()
            before = list(heard.words)
            heard.messages[0].ack()
            heard.listen()

        assert (before, heard.words) == (["one", "two"], ["one", "two", "three"])


class TestTheApp:
    def test_uses_it_for_redis(self, url: str) -> None:
        assert isinstance(Connection(url).transport, RedisTransport)

    def test_uses_it_behind_sentinels(self) -> None:
        assert isinstance(Connection("sentinel://127.0.0.1:1").transport, SentinelTransport)
        assert (SentinelTransport.Channel.do_restore, SentinelTransport.Channel.ack_emulation) == (False, False)


class TestBehindASentinel:
    def test_bells_and_counts_go_to_whoever_is_master_now(self) -> None:
        with guarded() as queue:
            counts = rate_limits.Counter(rate_limits._store(f"redis+sentinel://127.0.0.1:{queue.port}/{MASTER}"))
            before = send_and_receive(queue.url), counts.add("caller", 60)
            queue.fail_over()
            after = send_and_receive(queue.url), counts.add("caller", 60)

        assert (before, after) == (("heard", 1), ("heard", 2))


def send_and_receive(url: str) -> str:
    """Sends and receives, each on a connection of its own."""
    heard: list[str] = []
    options = {"master_name": MASTER, "socket_connect_timeout": 2, "socket_timeout": 5, "max_retries": 0}
    with Connection(url, transport_options=options) as connection:
        connection.Producer().publish("heard", routing_key="unanswered", declare=[QUEUE])
    with (
        Connection(url, transport_options=options) as connection,
        connection.Consumer([QUEUE], callbacks=[lambda body, _: heard.append(body)], no_ack=True),
    ):
        connection.drain_events(timeout=5)
    (word,) = heard
    return word

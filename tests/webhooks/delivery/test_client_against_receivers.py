"""The corpus of receivers, each over a real socket: what is recorded, and who may use the connection afterwards."""

import socket
import ssl
import sys
import time
from pathlib import Path

import pytest

from tests.webhooks.delivery import raw
from tests.webhooks.receivers.corpus import CASES, CONNECTIONS, INTERIM, MOMENT, PROPER, Case
from tests.webhooks.receivers.playing import HONEST, Act, Player
from webhooks.delivery import client

PATIENT = client.ClientOptions(allow_private=True, total_seconds=5, body_seconds=5)


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    return raw.certified(tmp_path_factory.mktemp("certified"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_receiver_gets_its_verdict_and_the_next_request_its_own_response(case: Case) -> None:
    total = 5 if case.status else case.limit
    limits = client.ClientOptions(allow_private=True, total_seconds=total, body_seconds=case.limit)
    with Player(case.steps) as player:
        first = client.post(player.url, b"first", {}, options=limits)
        player.is_answered.set()
        assert player.is_played.wait(10)
        time.sleep(MOMENT)
        second = client.post(player.url, b"second", {}, options=PATIENT)

    assert (first.status, first.error[: len(case.error)]) == (case.status, case.error)
    assert (first.error == "") == (case.status is not None)
    assert first.accepted == (case.status is not None and 200 <= case.status < 300)
    assert case.excerpt in {None, first.excerpt}
    assert "\x00" not in first.error
    assert (second.status, second.excerpt) == (HONEST, "second")
    assert player.requests[-1] == (0 if case.reuse else 1)


@pytest.mark.parametrize("case", [case for case in CONNECTIONS + INTERIM if case.status], ids=lambda case: case.name)
def test_a_receiver_behind_tls_gets_the_same(case: Case, certified: tuple[ssl.SSLContext, Path]) -> None:
    context, believed = certified
    limits = client.ClientOptions(allow_private=True, ca_file=str(believed), body_seconds=case.limit)
    with Player(case.steps, tls=context) as player:
        first = client.post(player.url, b"first", {}, options=limits)
        player.is_answered.set()
        assert player.is_played.wait(10)
        time.sleep(MOMENT)
        second = client.post(player.url, b"second", {}, options=limits)

    assert (first.status, second.status, second.excerpt) == (case.status, HONEST, "second")
    assert player.requests[-1] == (0 if case.reuse else 1)


class TestAResponseBeforeItsRequest:
    def test_is_none_on_a_new_connection(self, monkeypatch: pytest.MonkeyPatch) -> None:
        connect = socket.socket.connect

        def connect_slowly(self: socket.socket, address: object) -> None:
            connect(self, address)  # type: ignore[arg-type]
            time.sleep(0.1)

        with Player((PROPER, Act.READ)) as player:
            monkeypatch.setattr(socket.socket, "connect", connect_slowly)
            first = client.post(player.url, b"first", {}, options=PATIENT)

        assert first.status is None
        assert first.error.startswith("UnrequestedResponse: The receiver answered or hung up before")

    @pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what the other side has received")
    @pytest.mark.parametrize(("is_kept", "status"), [(False, 200), (True, None)])
    def test_counts_on_a_new_connection_only_where_it_came_before_the_end(
        self, *, is_kept: bool, status: int | None
    ) -> None:
        """On a kept one it may be a second response to the request before."""
        before = ("x",) if is_kept else ()

        def behave(connection: socket.socket) -> None:
            for _ in before:
                connection.recv(65536)
                connection.sendall(PROPER)
            connection.recv(1000)
            connection.sendall(PROPER)
            while connection.recv(4096):
                time.sleep(0.001)

        with raw.listening(behave, receive_buffer=4096) as url:
            for _ in before:
                assert client.post(url, b"small", {}, options=PATIENT).status == 200
            early = client.post(url, b"x" * 200_000, {}, options=PATIENT)
            following = client.post(url, b"next", {}, options=PATIENT)

        assert early.status == status
        assert status or early.error == "UnrequestedResponse: The receiver answered 200 before it had the request."
        assert following.status == 200  # on a connection of its own: the first answers no more


def test_the_corpus_names_each_receiver_once() -> None:
    assert len({case.name for case in CASES}) == len(CASES)

"""What benchmarks are made of: knobs, requests, profiles, the peers' pins, the processes of a family."""

import os
import subprocess
import sys

import pytest

from benchmarks.hotspots import package, parsed, told
from benchmarks.knobs import SHORT, Knobs
from benchmarks.load import Failed, Shot, request, shoot
from benchmarks.machine import cpu_seconds, family, memory_kb
from benchmarks.peers import PINNED, SHARED, shared
from tests.receiver import Receiver
from tests.servers import ROOT


class TestKnobs:
    def test_have_the_length_of_a_run_that_counts(self) -> None:
        assert Knobs.of({}) == Knobs(seconds=10, rounds=5, rows=10_000_000)

    def test_take_what_the_environment_says(self) -> None:
        told = Knobs.of({"BENCH_SECONDS": "2.5", "BENCH_ROUNDS": "3", "BENCH_ROWS": "1e6"})

        assert told == Knobs(seconds=2.5, rounds=3, rows=1_000_000)

    @pytest.mark.parametrize(("name", "value"), [("BENCH_SECONDS", "4"), ("BENCH_ROUNDS", "2"), ("BENCH_ROWS", "1000")])
    def test_of_a_short_run_say_so(self, name: str, value: str) -> None:
        assert Knobs.of({name: value}).is_short
        assert Knobs.of(SHORT).is_short
        assert not Knobs.of({}).is_short

    def test_make_counts_as_long_as_rounds(self) -> None:
        short = Knobs(seconds=1, rounds=1, rows=1_000)

        assert [short.many(2_000), short.many(5, least=3), Knobs.of({}).many(2_000)] == [200, 3, 2_000]


class TestTheLoad:
    def test_asks_again_as_soon_as_it_is_answered(self) -> None:
        with Receiver() as receiver:
            port = int(receiver.url.split(":")[2].partition("/")[0])
            shot = shoot(port, [request("POST", "/a", headers={}, body=b"{}")], seconds=0.3, connections=2)

        assert len(shot.took) > 2
        assert {hit.path for hit in receiver.hits} == {"/a"}

    def test_gives_no_figure_of_a_server_that_refuses(self) -> None:
        asked = [request("POST", "/a", headers={}, body=b"{}")]
        with Receiver(answer=lambda hit: 500) as receiver:
            port = int(receiver.url.split(":")[2].partition("/")[0])
            with pytest.raises(Failed, match="500"):
                shoot(port, asked, seconds=0.2, connections=2)

    def test_tells_requests_a_second_and_their_tail(self) -> None:
        shot = Shot(took=tuple(n / 100 for n in range(1, 101)), seconds=4.0, failures=0)

        assert (shot.rate, shot.p50, shot.p99) == (25, 0.5, 0.99)


class TestTheProfile:
    RAW = (
        "main (granian/x.py:1);__rsgi__ (gateway/rsgi.py:70);execute (django/db/backends/utils.py:105) 3\n"
        "main (granian/x.py:1);loads (json/decoder.py:3) 1\n"
    )

    def test_counts_whose_code_was_running(self) -> None:
        assert told(parsed(self.RAW)) == "django/db 75%, json 25%; beneath gateway/rsgi.py:__rsgi__ 75%"

    def test_calls_the_interpreters_own_modules_python(self) -> None:
        assert package("wait (threading.py:320)") == "python"


class TestPeers:
    def test_are_never_among_the_requirements(self) -> None:
        ours = (ROOT / "requirements.txt").read_text() + (ROOT / "requirements-dev.txt").read_text()

        assert not [name for name in PINNED if name in ours.lower()]

    def test_share_the_gateways_versions(self) -> None:
        lines = shared("django-webhook", (ROOT / "requirements.txt").read_text())

        assert [line.partition("==")[0] for line in lines] == list(SHARED["django-webhook"])


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
class TestAFamily:
    def test_is_a_process_with_its_descendants(self) -> None:
        with subprocess.Popen(["sh", "-c", "sleep 30 & wait"]) as shell:
            try:
                while len(members := family(shell.pid)) < 2:
                    pass
                assert members[0] == shell.pid
                assert memory_kb(shell.pid) > 0
            finally:
                for pid in family(shell.pid):
                    os.kill(pid, 9)

    def test_has_used_the_processor(self) -> None:
        assert cpu_seconds(os.getpid()) > 0

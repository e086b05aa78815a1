"""Whether a demo site is started beside the gateway."""

import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.demo.demo_gateway import NAME
from gateway.management.commands.up import demo_sites, is_free
from gateway.models import Gateway
from tests import make
from tests.servers import free_port

pytestmark = pytest.mark.django_db(transaction=True)
HOST = "127.0.0.1"


@pytest.fixture(autouse=True)
def embedded(settings: Any, tmp_path: Path) -> None:
    settings.EMBEDDED, settings.DEMO_PORT, settings.VAR_DIR = True, free_port(), tmp_path


class TestTheDemoSite:
    def test_is_told_its_secrets_by_its_environment_alone(self, settings: Any) -> None:
        (child,) = demo_sites(host=HOST, gateway_port=8000)

        assert child.environment["SHOP_ORIGINS"].startswith(f"http://{HOST}:{settings.DEMO_PORT},")
        assert [word for word in child.command if word in child.environment.values()] == []
        assert (child.is_needed, child.command[-1]) == (False, "shop.app:create_app")

    def test_stands_beside_the_gateways_port_unless_told(self, settings: Any) -> None:
        settings.DEMO_PORT = 0
        port = next(port for port in iter(free_port, 0) if is_free(HOST, port + 1))

        (child,) = demo_sites(host=HOST, gateway_port=port)

        assert child.environment["SHOP_ORIGINS"].startswith(f"http://{HOST}:{port + 1},")

    def test_is_not_in_production_unless_configured(self, settings: Any) -> None:
        settings.EMBEDDED, settings.DEMO_PORT = False, 0

        assert demo_sites(host=HOST, gateway_port=8000) == []
        assert not Gateway.objects.exists()

    def test_has_no_managers_token_in_production(self, settings: Any) -> None:
        settings.EMBEDDED = False

        (child,) = demo_sites(host=HOST, gateway_port=8000)

        assert child.environment["SHOP_MANAGER_TOKEN"] == ""

    def test_leaves_a_port_that_is_taken(self, settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
        with socket.socket() as other:
            other.bind((HOST, settings.DEMO_PORT))
            other.listen()

            assert demo_sites(host=HOST, gateway_port=8000) == []

        assert f"Port {settings.DEMO_PORT} is taken, so the demo site does not start" in capsys.readouterr().out
        assert not Gateway.objects.exists()

    def test_needs_its_own_requirements(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setitem(sys.modules, "starlette", None)

        assert demo_sites(host=HOST, gateway_port=8000) == []

        assert "There is no demo site: install requirements-demo.txt" in capsys.readouterr().out

    def test_leaves_the_gateways_own_port(self, settings: Any) -> None:
        assert demo_sites(host=HOST, gateway_port=settings.DEMO_PORT) == []

    def test_leaves_a_live_gateway_of_its_name(self, capsys: pytest.CaptureFixture[str]) -> None:
        make.credentials(name=NAME, is_test=False)

        assert demo_sites(host=HOST, gateway_port=8000) == []

        assert "The demo site does not start: The gateway demo-site is a live gateway" in capsys.readouterr().out

    @pytest.mark.parametrize("port", [65536, 99999])
    def test_has_no_port_above_the_last(self, port: int) -> None:
        assert not is_free(HOST, port)

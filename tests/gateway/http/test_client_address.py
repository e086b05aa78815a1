"""From where a request came, with and without proxies."""

from typing import Any

import pytest

from gateway.http.client_address import client_network, remote_network


class TestRemoteNetwork:
    @pytest.mark.parametrize(
        ("remote", "network"),
        [
            ("203.0.113.9", "203.0.113.9"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
            ("::1", "::/64"),
            ("", ""),
            ("unix:", ""),
        ],
    )
    def test_is_what_one_caller_is_given(self, remote: str, network: str) -> None:
        assert remote_network({"REMOTE_ADDR": remote}) == network

    @pytest.mark.parametrize(
        ("proxies", "forwarded", "network"),
        [
            (0, "198.51.100.1", "10.0.0.1"),
            (1, "198.51.100.1", "198.51.100.1"),
            (1, "6.6.6.6, 198.51.100.1", "198.51.100.1"),
            (2, "6.6.6.6, 198.51.100.1,10.0.0.7", "198.51.100.1"),
            (2, "198.51.100.1", "10.0.0.1"),
            (1, "", "10.0.0.1"),
            (1, "unknown", "10.0.0.1"),
        ],
    )
    def test_believes_only_our_own_proxies(self, settings: Any, proxies: int, forwarded: str, network: str) -> None:
        settings.PROXIES_IN_FRONT = proxies

        assert remote_network({"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": forwarded}) == network


class TestClientNetwork:
    @pytest.mark.parametrize(
        ("proxies", "forwarded", "network"),
        [
            (0, "198.51.100.7", "10.0.0.1"),
            (1, "198.51.100.7", "198.51.100.7"),
            (2, "198.51.100.7, 10.0.0.2", "198.51.100.7"),
            (1, "", ""),
            (1, "unknown", ""),
            (2, "198.51.100.7", ""),
        ],
    )
    def test_is_never_that_of_a_proxy(self, settings: Any, proxies: int, forwarded: str, network: str) -> None:
        settings.PROXIES_IN_FRONT = proxies

        assert client_network({"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": forwarded}) == network

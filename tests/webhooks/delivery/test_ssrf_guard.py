"""Where a webhook may not go, however the address is spelled."""

import socket

import pytest

from webhooks.delivery.ssrf_guard import Forbidden, is_public, resolve

PUBLIC = ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"]
INSIDE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",  # metadata of most clouds
    "100.64.0.1",  # carrier-grade NAT
    "100.100.100.200",  # metadata of Alibaba
    "168.63.129.16",  # the host agent of Azure
    "192.0.0.192",  # metadata of Oracle
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",  # IPv4-compatible, deprecated
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::10.0.0.1",  # NAT64
    "64:ff9b:1::10.0.0.1",
    "2002:7f00:1::1",  # 6to4 of 127.0.0.1
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",  # Teredo
    "2001:db8::1",
    "fc00::1",
    "fd00:ec2::254",  # metadata of AWS
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
# What C libraries read as 127.0.0.1, ::1 and 169.254.169.254.
SPELLINGS = [
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "017700000001",
    "0177.0.0.1",
    "127.1",
    "localhost",
    "::1",
    "::ffff:7f00:1",
    "0:0:0:0:0:ffff:127.0.0.1",
    "2852039166",
    "0251.0376.0251.0376",
]


class TestIsPublic:
    @pytest.mark.parametrize("address", PUBLIC)
    def test_lets_the_internet_through(self, address: str) -> None:
        assert is_public(address)

    @pytest.mark.parametrize("address", INSIDE)
    def test_refuses_what_lies_inside(self, address: str) -> None:
        assert not is_public(address)


class TestResolve:
    @pytest.mark.parametrize("host", SPELLINGS)
    def test_looks_at_the_address_not_at_its_spelling(self, host: str) -> None:
        with pytest.raises(Forbidden, match="is not a public address"):
            resolve(host, 443, allow_private=False)

    def test_refuses_a_name_that_leads_to_both_sides(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def both(*_: object, **__: object) -> list[tuple[object, ...]]:
            return [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in ("93.184.216.34", "10.0.0.7")
            ]

        monkeypatch.setattr(socket, "getaddrinfo", both)

        with pytest.raises(Forbidden, match=r"10\.0\.0\.7 is not a public address"):
            resolve("both.example", 443, allow_private=False)

    def test_gives_what_to_connect_to(self) -> None:
        assert resolve("8.8.8.8", 443, allow_private=False) == [(socket.AF_INET, ("8.8.8.8", 443))]

    def test_lets_a_laptop_speak_to_itself(self) -> None:
        assert resolve("127.0.0.1", 80, allow_private=True) == [(socket.AF_INET, ("127.0.0.1", 80))]

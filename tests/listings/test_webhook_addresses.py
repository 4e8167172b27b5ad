"""Where webhooks may go, in any spelling, and whatever a name resolves to at the moment of connecting."""

import socket
from typing import Any
from uuid import uuid4

import pytest
from pytest_django import Settings
from urllib3.exceptions import NewConnectionError

from listings.webhooks import post
from listings.webhooks.addresses import Forbidden, check_url, ensure_allowed
from listings.webhooks.post import CheckedHttps
from listings.webhooks.secrets import make_secret
from microstore.http.name_lookup import find_addresses
from tests.support.receiver import Receiver, with_status

PUBLIC = ("8.8.8.8", "1.1.1.1", "193.0.6.139", "2001:67c:2e8:22::c100:68b", "2a00:1450:4001::8a")
PRIVATE = (
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.1", "192.0.2.1", "198.18.0.1"),
    *("198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("168.63.129.16", "192.88.99.1"),
    *("::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "::8.8.8.8", "fe80::1", "fe80::1%lo"),
    *(
        "fc00::1",
        "fd00:ec2::254",
        "fec0::1",
        "ff02::1",
        "64:ff9b::7f00:1",
        "64:ff9b::808:808",
        "64:ff9b:1::1",
    ),
    *("2002:7f00:1::", "2002:808:808::1", "2001::1", "2001:0:53aa:64c:0:fbff:80ff:fffe", "2001:db8::1"),
    *("100::1", "2001:10::1", "2001:2::1", "3fff::1", "5f00::1"),
)
# What is read as one of them: decimal, octal and hexadecimal, fewer parts, IPv6 around IPv4.
SPELLINGS = (
    *("2130706433", "0x7f000001", "017700000001", "0177.0.0.1", "0x7f.0.0.1", "127.1", "127.0.1", "0", "0x0"),
    *("2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "3232235777", "[::1]", "[::]"),
    *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]"),
    *("[fe80::1%25lo]", "[2002:a9fe:a9fe::]", "127.0.0.1."),
)
BAD = (
    *("", "hooks", "//8.8.8.8/", "ftp://8.8.8.8/", "file:///etc/passwd", "gopher://8.8.8.8/", "https://"),
    *(
        "https:///x",
        "https://a b/",
        "https://a\\@127.0.0.1/",
        "https://user@8.8.8.8/",
        "https://u:p@8.8.8.8/",
    ),
    *("https://8.8.8.8/#x", "https://8.8.8.8:99999/", "https://8.8.8.8:x/", "https://8.8.8.8:22/"),
    *("https://hooks.example:6379/", "http://hooks.example/", "http://8.8.8.8/", "https://bücher.example/"),
    *("https://a..b/", "https://-a.example/", "https://a_b.example/", "https://%31%32%37.0.0.1/"),
    *("https://\uff18.8.8.8/", "https://hooks.example/\r\nHost: x", "https://[::1/", "https://127.0.0.1\t/"),
    f"https://{'a' * 64}.example/",
)


def claimed(url: str) -> post.Claimed:
    return post.Claimed(1, 1, uuid4(), url, make_secret(), "", "msg_1", "{}")


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_called_by_https(address: str) -> None:
    ensure_allowed([address], scheme="https", port=443)
    for scheme, port in (("http", 80), ("https", 22), ("http", 443)):
        with pytest.raises(Forbidden, match="by HTTPS at port 443 or 8443 only"):
            ensure_allowed([address], scheme=scheme, port=port)


@pytest.mark.parametrize("address", PRIVATE)
def test_no_other_address_may_be_called(address: str) -> None:
    for addresses in ([address], ["8.8.8.8", address], [address, "8.8.8.8"]):
        with pytest.raises(Forbidden, match="no public address"):
            ensure_allowed(addresses, scheme="https", port=443)


@pytest.mark.parametrize("host", SPELLINGS)
def test_an_odd_spelling_of_an_address_is_that_address(host: str) -> None:
    with pytest.raises(Forbidden):
        check_url(f"https://{host}/")


@pytest.mark.parametrize("url", BAD)
def test_what_cannot_be_an_endpoint_is_refused_when_it_is_given(url: str) -> None:
    with pytest.raises(Forbidden):
        check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        *("https://hooks.example/", "https://hooks.example", "https://HOOKS.example:8443/a/b?c=d&e=%20"),
        *("https://8.8.8.8/", "https://[2a00:1450:4001::8a]/x", "https://hooks.example./"),
    ],
)
def test_a_public_https_address_is_accepted(url: str) -> None:
    assert check_url(url) == url


def test_a_network_of_the_setting_may_be_called_in_any_way(settings: Settings) -> None:
    settings.WEBHOOK_NETWORKS = ["10.1.0.0/16"]
    ensure_allowed(["10.1.2.3"], scheme="http", port=9000)
    for address in ("10.2.0.1", "::ffff:10.1.2.3", "127.0.0.1"):
        with pytest.raises(Forbidden):
            ensure_allowed([address], scheme="http", port=9000)
    with pytest.raises(Forbidden):
        ensure_allowed(["8.8.8.8"], scheme="http", port=80)


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The addresses that the resolver answers, one list for each look-up; literals resolve to themselves."""
    answers: list[list[str]] = []
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *args: Any, **options: Any) -> Any:
        if host != "rebinding.example":
            return real(host, port, *args, **options)
        return [entry for address in answers.pop(0) for entry in real(address, port, *args, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return answers


def test_the_address_that_was_checked_is_the_one_that_is_called(
    looked_up: list[list[str]], settings: Settings
) -> None:
    """Whoever resolves the name a second time gets another address; here the second look is never taken."""
    settings.WEBHOOK_NETWORKS = ["127.0.0.1/32"]
    with Receiver() as receiver:
        looked_up += [["127.0.0.1"], ["127.0.0.2"]]
        outcome = post.attempt(claimed(f"http://rebinding.example:{receiver.port}/"))
        assert (outcome.status_code, looked_up) == (204, [["127.0.0.2"]])
        assert receiver.received[0].headers["host"] == f"rebinding.example:{receiver.port}"
        again = post.attempt(claimed(f"http://rebinding.example:{receiver.port}/"))
    assert (again.status_code, again.error) == (None, "127.0.0.2 is no public address.")
    assert len(receiver.received) == 1


def test_a_name_with_one_inner_address_among_others_is_not_called(
    looked_up: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _self, address: connected.append(address))
    looked_up += [["8.8.8.8", "10.0.0.1"]]
    outcome = post.attempt(claimed("https://rebinding.example/"))
    assert (outcome.error, connected) == ("10.0.0.1 is no public address.", [])


def test_a_redirect_inwards_is_an_answer_and_is_not_followed(settings: Settings) -> None:
    settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]
    with Receiver() as inner, Receiver() as outer:
        outer.answer = with_status(307, "moved", Location=inner.url("/admin"))
        outcome = post.attempt(claimed(outer.url()))
    assert (outcome.status_code, outcome.delivered, outcome.answer) == (307, False, "moved")
    assert inner.received == []


def test_a_name_that_no_resolver_takes_is_no_silent_name_server() -> None:
    """Five seconds were spent on it, by each of the sender's threads that met it."""
    with pytest.raises(NewConnectionError, match="too long"):
        find_addresses(CheckedHttps("a" * 64 + ".example", 443), seconds=5)

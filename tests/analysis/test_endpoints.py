"""URLs in their parts, endpoints, third parties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perftui.analysis.endpoints import (
    Url,
    endpoint,
    is_same_origin,
    is_third_party,
    path_template,
    registrable_domain,
    short_url,
    split_url,
    url_endpoint,
)

url_like = st.one_of(
    st.text(),
    st.from_regex(
        r"(https?|blob|data)?:?(//)?[a-z0-9.:@\[\]-]{0,20}(/[\w%;.=-]{0,20}){0,4}(\?\w*)?"
    ),
)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://shop.test", Url("https", "shop.test", "", "", None, None)),
        ("https://u:p@Shop.Test:443/a?b#c", Url("https", "shop.test", "", "/a", "b", "c")),
        ("http://shop.test.:8080/", Url("http", "shop.test", "8080", "/", None, None)),
        ("http://[::1]:9000/a", Url("http", "::1", "9000", "/a", None, None)),
        ("http://[::1", Url("http", "::1", "", "", None, None)),
        ("blob:https://shop.test/1f", Url("blob", "shop.test", "", "/1f", None, None)),
        ("data:text/css,a", Url("data", "", "", "text/css,a", None, None)),
        ("//cdn.test/x", Url("", "cdn.test", "", "/x", None, None)),
        ("", Url("", "", "", "", None, None)),
    ],
)
def test_split(url: str, parts: Url) -> None:
    assert split_url(url) == parts


def test_ipv6_keeps_its_brackets_in_the_origin() -> None:
    assert split_url("http://[::1]:9000/a").origin == "http://[::1]:9000"


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("", ""),
        ("/", "/"),
        ("/api/v2/users/8812/orders", "/api/v2/users/:id/orders"),
        ("/u/0192f1a0-1b2c-7d3e-8f00-112233445566/", "/u/:id/"),
        ("/u/0192f1a01b2c7d3e8f00112233445566", "/u/:id"),
        ("/report/2024-01-31", "/report/:id"),
        ("/static/app.9f2c31aa.css", "/static/app.:id.css"),
        ("/assets/index-BkPq2a7X.js", "/assets/index-:id.js"),
        ("/p/8812.avif", "/p/:id.avif"),
        ("/customers/cus_NffrFeUfNV2Hib7Q", "/customers/:id"),
        ("/orders/order-20431", "/orders/order-:id"),
        ("/blog/10-tips-for-x", "/blog/10-tips-for-x"),
        ("/blog/Introducing-iPhone-15-Pro-Max", "/blog/Introducing-iPhone-15-Pro-Max"),
        ("/img/hero@2x.avif", "/img/hero@2x.avif"),
        ("/wp/jquery-3.7.1.min.js", "/wp/jquery-3.7.1.min.js"),
        ("/api/getUserById2", "/api/getUserById2"),
        ("/deadbeef/defaced", "/deadbeef/defaced"),
        ("/a;jsessionid=1F/b", "/a/b"),
    ],
)
def test_templates(path: str, template: str) -> None:
    assert path_template(path) == template


@given(st.one_of(st.text(), st.from_regex(r"(/[A-Za-z0-9._~@-]{1,40}){1,4}")))
def test_a_template_is_its_own_template(path: str) -> None:
    assert path_template(path_template(path)) == path_template(path)


def test_a_template_keeps_the_number_of_segments() -> None:
    assert path_template("/a//1/").count("/") == 4


@pytest.mark.parametrize(
    ("method", "url", "name"),
    [
        ("post", "https://shop.test/api/cart/8812?x=1", "POST shop.test/api/cart/:id"),
        (None, "https://shop.test/api/cart/8812?x=1", "shop.test/api/cart/:id"),
        ("GET", "http://localhost:3000", "GET localhost:3000/"),
        (None, "data:image/png;base64,AAAA", "data:"),
        (None, "blob:https://shop.test/1f", "blob:shop.test"),
        (None, "/api/7", "/api/:id"),
    ],
)
def test_endpoints(method: str | None, url: str, name: str) -> None:
    assert endpoint(method, url) == name


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("cdn.shop.co.uk", "shop.co.uk"),
        ("shop.co.uk", "shop.co.uk"),
        ("co.uk", "co.uk"),
        ("a.b.github.io", "b.github.io"),
        ("CDN.Shop.Test.", "shop.test"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("localhost", "localhost"),
        ("app.localhost", "localhost"),
        ("intranet", "intranet"),
        ("", ""),
    ],
)
def test_registrable_domains(host: str, domain: str) -> None:
    assert registrable_domain(host) == domain


@pytest.mark.parametrize(
    ("url", "page", "first_party", "third"),
    [
        ("https://cdn.shop.co.uk/a", "https://www.shop.co.uk/", (), False),
        ("https://t.tracker.example/a", "https://www.shop.co.uk/", (), True),
        ("https://img.shopcdn.example/a", "https://www.shop.co.uk/", ("shopcdn.example",), False),
        ("https://b.github.io/a", "https://a.github.io/", (), True),
        ("http://localhost:9000/", "http://localhost:3000/", (), False),
        ("http://127.0.0.1:9000/", "http://localhost:3000/", (), True),
        ("data:,x", "https://shop.test/", (), False),
        ("https://shop.test/", None, (), False),
    ],
)
def test_third_parties(
    url: str, page: str | None, first_party: tuple[str, ...], third: bool
) -> None:
    assert is_third_party(url, page, first_party) is third


@pytest.mark.parametrize(
    ("url", "page", "short"),
    [
        ("https://shop.test/a?b#c", "https://shop.test/x", "/a?b"),
        ("https://shop.test", "https://shop.test/x", "/"),
        ("https://shop.test:444/a", "https://shop.test/x", "shop.test:444/a"),
        ("http://shop.test/a", "https://shop.test/x", "shop.test/a"),
        ("https://cdn.test/p/1.avif", "https://shop.test/x", "cdn.test/p/1.avif"),
        ("https://cdn.test/p/1.avif", None, "cdn.test/p/1.avif"),
        ("data:image/png;base64,AAAA", None, "data:image/png;base64,…"),
        ("blob:https://shop.test/1f", None, "blob:shop.test/1f"),
        ("mark-name", None, "mark-name"),
    ],
)
def test_short_urls(url: str, page: str | None, short: str) -> None:
    assert short_url(url, page) == short


@given(url_like, url_like)
def test_no_text_is_refused(url: str, page: str) -> None:
    split_url(url)
    url_endpoint(url)
    short_url(url, page)
    registrable_domain(split_url(url).host)
    is_third_party(url, page, ("shop.test",))
    assert not is_third_party(url, url)
    assert is_same_origin(url, url) is bool(split_url(url).origin)

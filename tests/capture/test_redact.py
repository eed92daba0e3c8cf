"""Secrets go before anything is stored; all else stays as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perftui.capture.redact import MARK, Redactor
from perftui.config import RedactionSettings
from perftui.model import Batch, Entry, Page

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
HEX = "d41d8cd98f00b204e9800998ecf8427e"

redactor = Redactor()


WORDY = "xoxb-123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx"
"""A token whose parts are letters or figures, but no words."""


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://a.test/x?token=abc&page=2", f"https://a.test/x?token={MARK}&page=2"),
        ("https://a.test/x?access_token=abc", f"https://a.test/x?access_token={MARK}"),
        ("https://a.test/x?user[password]=abc", f"https://a.test/x?user[password]={MARK}"),
        ("https://a.test/cb?code=abc&state=xyz", f"https://a.test/cb?code={MARK}&state={MARK}"),
        ("https://a.test/x#access_token=abc&x=1", f"https://a.test/x#access_token={MARK}&x=1"),
        ("https://me:geheim@a.test/x", f"https://{MARK}@a.test/x"),
        ("wss://me@a.test/", f"wss://{MARK}@a.test/"),
        (f"https://a.test/x?j={JWT}", f"https://a.test/x?j={MARK}"),
        (f"https://a.test/x?h={HEX}", f"https://a.test/x?h={MARK}"),
        (f"https://a.test/{JWT}/x", f"https://a.test/{MARK}/x"),
        (f"https://a.test/{WORDY}/x", f"https://a.test/{MARK}/x"),
        (
            "https://a.test/anniversary-of-some-house-4111111111111111",
            f"https://a.test/anniversary-of-some-house-{MARK}",
        ),
        ("https://a.test/?c=4111111111111111", f"https://a.test/?c={MARK}"),
        ("https://a.test/?c=4111-1111-1111-1111", f"https://a.test/?c={MARK}"),
        ("https://a.test/?c=4111+1111+1111+1111", f"https://a.test/?c={MARK}"),
        ("https://a.test/?c=%204111%201111%201111%201111", f"https://a.test/?c=%20{MARK}"),
        ("https://a.test/shop;jsessionid=1A2B?x=1", f"https://a.test/shop;jsessionid={MARK}?x=1"),
        ("https://a.test/a;v=2;PHPSESSID=q1/b", f"https://a.test/a;v=2;PHPSESSID={MARK}/b"),
        ("https://a.test/?q=anna@example.com", f"https://a.test/?q={MARK}"),
        ("https://a.test/users/anna%40example.com/x", f"https://a.test/users/{MARK}/x"),
        ("https://a.test/reset/abcdefgh1234", f"https://a.test/reset/{MARK}"),
        ("https://a.test/?u=https%3A%2F%2Fb.test%3Ftoken%3D1", f"https://a.test/?u={MARK}"),
        ("data:text/html,secret", "data:text/html,"),
        ("blob:https://me:pw@a.test/1", f"blob:https://{MARK}@a.test/1"),
        ("/x?key=1", f"/x?key={MARK}"),
    ],
)
def test_secrets_go(url: str, kept: str) -> None:
    assert redactor.url(url) == kept
    assert redactor.url(kept) == kept, "a second time changes nothing"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://shop.test/",
        "https://shop.test/products/aurora-lamp?page=2&sort=price",
        "https://shop.test/app.9f2c31aa3334445556667778889990001.css",
        "https://shop.test/orders/0192f1a0-1111-7222-8333-123456789abc",
        "https://shop.test/?keyword=lamp&author=x&zip_code=1012",
        "https://shop.test/?n=1234567890123456",
        "https://shop.test/?sum=1+2+3+4+5+6+7+8+9",
        "https://shop.test/map;zoom=4;centre=52.5,13.4/tiles",
        "https://shop.test/a-very-long-name-of-an-article-that-somebody-has-written-once",
        "https://news.test/2015/katrina-10-year-anniversary-1440531624974/1.png",
        "https://news.test/2015/Ten-Years-Later-and-Not-Yet-Home-1440531624974",
        "https://shop.test/?empty_token=",
        "not a url at all",
    ],
)
def test_everything_else_stays(url: str) -> None:
    assert redactor.url(url) == url


def test_headers() -> None:
    assert redactor.header("Authorization", "Bearer abc") == MARK
    assert redactor.header("X-Api-Key", "abc") == MARK
    assert redactor.header("Set-Cookie", "sid=1; Path=/") == MARK
    assert redactor.header("Content-Type", "text/html") == "text/html"
    assert redactor.header("Referer", "https://a.test/?token=1") == f"https://a.test/?token={MARK}"


def test_a_whole_batch() -> None:
    batch = Batch(
        session_id="s",
        page_view_id="p",
        key=b"k" * 16,
        time_origin_us=1,
        received_us=1,
        page=Page(
            url="https://a.test/?token=1", title="Mail of anna@example.com", referrer="/?key=2"
        ),
        client={"apiKey": "abc", "sdk": "perftui/0.1.0"},
        entries=[
            Entry(entry_type="resource", name="https://a.test/?token=1", start_us=0),
            Entry(
                entry_type="capture",
                name="signed_up",
                start_us=0,
                extra={"properties": {"password": "x", "plan": "pro", "count": 4}},
            ),
            Entry(
                entry_type="request-detail",
                name="https://a.test/",
                start_us=0,
                extra={"requestHeaders": [{"name": "Cookie", "value": "sid=1"}], "flowId": HEX},
            ),
            Entry(
                entry_type="error",
                name="Error",
                start_us=0,
                extra={"message": "failed: https://a.test/?token=1", "stack": "at x"},
            ),
        ],
    )
    kept = redactor.batch(batch)
    assert kept.page == Page(
        url=f"https://a.test/?token={MARK}", title=f"Mail of {MARK}", referrer=f"/?key={MARK}"
    )
    assert kept.client == {"apiKey": MARK, "sdk": "perftui/0.1.0"}
    request, event, detail, error = kept.entries
    assert request.name == f"https://a.test/?token={MARK}"
    assert event.extra["properties"] == {"password": MARK, "plan": "pro", "count": 4}
    assert detail.extra == {"requestHeaders": [{"name": "Cookie", "value": MARK}], "flowId": HEX}
    assert error.extra == {"message": f"failed: https://a.test/?token={MARK}", "stack": "at x"}


def test_settings_add_keep_and_turn_off() -> None:
    own = Redactor(RedactionSettings(names=("customer",), keep_names=("token",)))
    assert (
        own.url("https://a.test/?customer_id=5&token=x")
        == f"https://a.test/?customer_id={MARK}&token=x"
    )
    off = Redactor(RedactionSettings(enabled=False))
    assert off.url("https://me:pw@a.test/?token=x") == "https://me:pw@a.test/?token=x"


@given(
    st.sampled_from(["token", "api_key", "password", "X-Session", "jwt"]),
    st.text(st.characters(exclude_characters="&#;", codec="utf-8"), min_size=1).filter(
        lambda text: text != MARK
    ),
)
def test_a_secret_of_a_secret_name_never_stays(name: str, secret: str) -> None:
    kept = redactor.url(f"https://a.test/x?a=1&{name}={secret}&b=2")
    assert kept == f"https://a.test/x?a=1&{name}={MARK}&b=2"


@given(st.text(max_size=120))
def test_any_text_can_be_redacted_once_and_again(text: str) -> None:
    once = redactor.url(text)
    assert redactor.url(once) == once
    redactor.text(text)


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (
            '{"user": "ada", "password": "hunter2", "pin": 1234, "n": 1}',
            '{"user": "ada", "password": "REDACTED", "pin": "REDACTED", "n": 1}',
        ),
        ('{"tokens": ["a", "b"], "x": [1]}', '{"tokens": "REDACTED", "x": [1]}'),
        ('{"name": "ada", "access_token": "cut her', '{"name": "ada", "access_token": "REDACTED"'),
        (
            '{"api\\"name": 7, "secret" : "a\\"b", "b": 2}',
            '{"api\\"name": 7, "secret" : "REDACTED", "b": 2}',
        ),
        ('{"a": {"session": "s3cr3t"}}', '{"a": {"session": "REDACTED"}}'),
        ("user=ada&password=hunter2&x=1", "user=ada&password=REDACTED&x=1"),
        ("<p>token=abc, 3 = 3</p>", "<p>token=abc, 3 = 3</p>"),
        ("mail ada@example.com now", "mail REDACTED now"),
    ],
)
def test_secrets_in_bodies_go_also_where_they_are_cut(body: str, kept: str) -> None:
    redactor = Redactor()
    assert redactor.value(body, "responseBody") == kept
    assert redactor.value({"requestBody": body}) == {"requestBody": kept}

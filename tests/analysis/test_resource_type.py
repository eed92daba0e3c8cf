"""The kind of a request."""

from __future__ import annotations

import pytest
from hypothesis import given

from perftui.analysis.resource_type import SHORT_LABELS, ResourceType, label, resource_type
from perftui.model import Entry
from tests.analysis.strategies import absurd_entries


def kind(
    name: str = "https://shop.test/x",
    initiator: str | None = None,
    content_type: str | None = None,
    entry_type: str = "resource",
) -> ResourceType:
    return resource_type(
        Entry(
            entry_type=entry_type,
            name=name,
            start_us=0,
            initiator_type=initiator,
            content_type=content_type,
        )
    )


@pytest.mark.parametrize(
    ("answer", "arguments"),
    [
        ("document", {"entry_type": "navigation", "initiator": "navigation"}),
        ("fetch", {"initiator": "fetch", "content_type": "application/json"}),
        ("fetch", {"initiator": "fetch", "name": "https://shop.test/data/picture.png"}),
        ("xmlhttprequest", {"initiator": "xmlhttprequest"}),
        ("eventsource", {"initiator": "fetch", "content_type": "text/event-stream; charset=utf-8"}),
        ("beacon", {"initiator": "beacon"}),
        ("iframe", {"initiator": "iframe", "content_type": "text/html"}),
        ("image", {"initiator": "img", "content_type": "text/html"}),
        ("image", {"initiator": "css", "name": "https://shop.test/bg.webp?v=3"}),
        ("font", {"initiator": "css", "name": "https://shop.test/a.woff2#x"}),
        ("font", {"initiator": "css", "content_type": "application/font-woff2"}),
        ("stylesheet", {"initiator": "link", "name": "https://shop.test/a.css"}),
        ("script", {"initiator": "link", "name": "https://shop.test/a.MJS"}),
        ("script", {"initiator": "script", "name": "https://shop.test/no-extension"}),
        ("script", {"content_type": "application/javascript;charset=x"}),
        ("media", {"initiator": "video", "name": "https://shop.test/stream"}),
        ("other", {"initiator": "link", "name": "https://shop.test/manifest"}),
        ("other", {"name": "https://shop.js/"}),
        ("fetch", {"content_type": "application/json; charset=utf-8"}),
        (
            "fetch",
            {"initiator": "other", "name": "https://shop.test/a.html", "content_type": "text/json"},
        ),
        ("fetch", {"content_type": "application/grpc-web+proto"}),
        ("script", {"initiator": "script", "content_type": "application/json"}),
        ("other", {"content_type": "application/manifest+json"}),
        ("other", {}),
    ],
)
def test_what_a_request_was_for(answer: str, arguments: dict[str, str]) -> None:
    assert kind(**arguments) is ResourceType(answer)


@given(entry=absurd_entries())
def test_every_entry_has_a_kind_with_a_short_label(entry: Entry) -> None:
    assert 1 <= len(label(resource_type(entry))) <= 5


def test_labels_can_be_told_apart() -> None:
    assert set(SHORT_LABELS) == set(ResourceType)
    assert len(set(SHORT_LABELS.values())) == len(ResourceType)

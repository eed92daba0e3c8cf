"""What a request was for: the kinds that the browsers' network panels filter by."""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache

from perftui.model import Entry


class ResourceType(Enum):
    """The kind of a request. Values are the names that the filter language knows."""

    DOCUMENT = "document"
    STYLESHEET = "stylesheet"
    SCRIPT = "script"
    IMAGE = "image"
    FONT = "font"
    FETCH = "fetch"
    XMLHTTPREQUEST = "xmlhttprequest"
    BEACON = "beacon"
    MEDIA = "media"
    WEBSOCKET = "websocket"
    EVENTSOURCE = "eventsource"
    IFRAME = "iframe"
    OTHER = "other"

    # As for PhaseName: Enum's own hash is written in Python.
    __hash__ = object.__hash__


SHORT_LABELS: dict[ResourceType, str] = {
    ResourceType.DOCUMENT: "doc",
    ResourceType.STYLESHEET: "css",
    ResourceType.SCRIPT: "js",
    ResourceType.IMAGE: "img",
    ResourceType.FONT: "font",
    ResourceType.FETCH: "fetch",
    ResourceType.XMLHTTPREQUEST: "xhr",
    ResourceType.BEACON: "bcn",
    ResourceType.MEDIA: "media",
    ResourceType.WEBSOCKET: "ws",
    ResourceType.EVENTSOURCE: "sse",
    ResourceType.IFRAME: "frame",
    ResourceType.OTHER: "other",
}
"""At most five cells each."""

API_TYPES = frozenset({ResourceType.FETCH, ResourceType.XMLHTTPREQUEST})
"""What counts as an API call."""

STREAM_TYPES = frozenset({ResourceType.WEBSOCKET, ResourceType.EVENTSOURCE})
"""What is meant to stay open: its duration says nothing about speed."""

_BY_INITIATOR: dict[str, ResourceType] = {
    # Initiators that say by themselves what was asked for. Beside Resource Timing's own names
    # stand the `_resourceType` values of Chrome's HAR files.
    "fetch": ResourceType.FETCH,
    "xmlhttprequest": ResourceType.XMLHTTPREQUEST,
    "xhr": ResourceType.XMLHTTPREQUEST,
    "beacon": ResourceType.BEACON,
    "ping": ResourceType.BEACON,
    "websocket": ResourceType.WEBSOCKET,
    "eventsource": ResourceType.EVENTSOURCE,
    "document": ResourceType.DOCUMENT,
    "navigation": ResourceType.DOCUMENT,
    "stylesheet": ResourceType.STYLESHEET,
    "font": ResourceType.FONT,
    "media": ResourceType.MEDIA,
    "iframe": ResourceType.IFRAME,
    "frame": ResourceType.IFRAME,
}

_FALLBACK_BY_INITIATOR: dict[str, ResourceType] = {
    # Elements that load one kind of thing in practice, where nothing better is known.
    "script": ResourceType.SCRIPT,
    "img": ResourceType.IMAGE,
    "image": ResourceType.IMAGE,
    "imageset": ResourceType.IMAGE,
    "icon": ResourceType.IMAGE,
    "video": ResourceType.MEDIA,
    "audio": ResourceType.MEDIA,
    "track": ResourceType.MEDIA,
    "texttrack": ResourceType.MEDIA,
}

_BY_EXTENSION: dict[str, ResourceType] = {
    extension: kind
    for kind, extensions in {
        ResourceType.DOCUMENT: "html htm xhtml",
        ResourceType.STYLESHEET: "css",
        ResourceType.SCRIPT: "js mjs cjs jsx ts tsx wasm",
        ResourceType.IMAGE: "png jpg jpeg gif webp avif svg ico bmp apng jxl cur",
        ResourceType.FONT: "woff2 woff ttf otf eot",
        ResourceType.MEDIA: "mp4 webm mp3 ogg ogv oga m4a m4v m4s mov wav flac aac m3u8 mpd vtt",
    }.items()
    for extension in extensions.split()
}
_DATA_TYPES = frozenset(
    [
        "application/json",
        "text/json",
        "application/x-ndjson",
        "application/jsonlines",
        "application/protobuf",
        "application/x-protobuf",
        "application/msgpack",
        "application/x-msgpack",
        "application/cbor",
        "application/vnd.api+json",
        "application/graphql-response+json",
        "application/problem+json",
        "application/hal+json",
    ]
)
"""Media types of an API's answers; those of manifests, import maps and the like are not among them."""
_PATH_END = re.compile(r"[?#]")


def resource_type(entry: Entry) -> ResourceType:
    """The kind of a request, from its initiator, media type, the URL's extension and the entry
    type, in this order of trust; ``OTHER`` for what is no request."""
    return type_by(
        entry.entry_type, entry.initiator_type, entry.content_type, extension_of(entry.name)
    )


def extension_of(url: str) -> str:
    """The extension of a URL's path, in lower case and without the dot; empty where there is none
    of at most five characters."""
    path = _PATH_END.split(url, maxsplit=1)[0]
    dot = path.rfind(".", -6)
    return path[dot + 1 :].lower() if dot > path.rfind("/") else ""


@lru_cache(maxsize=4096)
def type_by(
    entry_type: str, initiator: str | None, content_type: str | None, extension: str
) -> ResourceType:
    """The rule of :func:`resource_type`, from what it looks at."""
    if entry_type == "navigation":
        return ResourceType.DOCUMENT
    initiator = (initiator or "").lower()
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type == "text/event-stream":
        return ResourceType.EVENTSOURCE
    if told := _BY_INITIATOR.get(initiator):
        return told
    by_media_type = _by_media_type(media_type)
    # An error page instead of an image is still the image that was asked for.
    if by_media_type is ResourceType.DOCUMENT and initiator in _FALLBACK_BY_INITIATOR:
        return _FALLBACK_BY_INITIATOR[initiator]
    if by_media_type is not None:
        return by_media_type
    # Data that nobody said who asked for (a proxy's flow, a HAR file without `_resourceType`): a
    # page gets it by fetch or XMLHttpRequest, and which of them makes no difference.
    if initiator in {"", "other"} and _is_data(media_type):
        return ResourceType.FETCH
    if by_extension := _BY_EXTENSION.get(extension):
        return by_extension
    return _FALLBACK_BY_INITIATOR.get(initiator, ResourceType.OTHER)


def _by_media_type(media_type: str) -> ResourceType | None:
    main, _, sub = media_type.partition("/")
    if main == "image":
        return ResourceType.IMAGE
    if main == "font" or sub.startswith(("font-", "x-font-")) or sub == "vnd.ms-fontobject":
        return ResourceType.FONT
    if main in {"video", "audio"}:
        return ResourceType.MEDIA
    if media_type == "text/css":
        return ResourceType.STYLESHEET
    if sub in {"javascript", "x-javascript", "ecmascript", "wasm"}:
        return ResourceType.SCRIPT
    if media_type in {"text/html", "application/xhtml+xml"}:
        return ResourceType.DOCUMENT
    return None


def _is_data(media_type: str) -> bool:
    """Whether it is what an API answers with."""
    return media_type in _DATA_TYPES or media_type.startswith("application/grpc")


def label(kind: ResourceType) -> str:
    """The kind in at most five cells: ``doc css js img font fetch xhr bcn …``."""
    return SHORT_LABELS[kind]

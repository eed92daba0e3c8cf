"""A site of all kinds of pages that a proxy could break, with an access log of every byte it sends.

It writes its responses to the socket by itself: nothing between it and the wire adds a header, so
what the log says is what was sent.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import socket
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import brotli
import zstandard
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Request, TextMessage

NONCE = "c2l0ZSdzIG93biBub25jZQ=="

SCRIPT = "document.body.dataset.ran = (Number(document.body.dataset.ran || 0) + 1);"

INLINE = "document.documentElement.dataset.inline = 'ran'"
INLINE_HASH = base64.b64encode(hashlib.sha256(INLINE.encode()).digest()).decode()

ICON = "/favicon.ico"
"""The browser asks for it by itself, and gives up when its page is closed."""

PICTURE = base64.b64decode(
    "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"  # the smallest GIF
)


@dataclass(frozen=True)
class Answer:
    """What is sent for a path.

    Attributes:
        body: encoded, as it goes over the wire.
        chunks: sizes in which a chunked body goes; none for a body of a known length.
        drop: the connection ends in the middle of the body.
    """

    status: int = 200
    reason: str = "OK"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    chunks: tuple[int, ...] = ()
    drop: bool = False


@dataclass(frozen=True)
class Access:
    """One request that reached the site, and what it was answered.

    Attributes:
        head_bytes: status line and headers with their line ends, and the blank line.
        body_bytes: of the body as sent, without the framing of chunks.
    """

    method: str
    path: str
    status: int
    head_bytes: int
    body_bytes: int


@dataclass
class Site:
    """The site while it runs.

    Attributes:
        url: its origin.
        log: what reached it, in the order of the answers, but requests for :data:`ICON`.
    """

    url: str
    log: list[Access] = field(default_factory=list)


def html(body: str, *, head: str = "<title>t</title>", begin: str = "<!doctype html>") -> str:
    """A document with a script and a picture of its own."""
    return (
        f"{begin}<html><head>{head}</head><body>{body}"
        '<img src="/picture.gif" alt=""><script src="/script.js"></script></body></html>'
    )


def _page(text: str | bytes, *headers: tuple[str, str], **fields: object) -> Answer:
    body = text.encode() if isinstance(text, str) else text
    kind = (
        ()
        if any(name == "Content-Type" for name, _ in headers)
        else (("Content-Type", "text/html; charset=utf-8"),)
    )
    return Answer(body=body, headers=(*kind, *headers), **fields)  # type: ignore[arg-type]


def _coded(coding: str, encode: Callable[[bytes], bytes]) -> Answer:
    return _page(encode(html("<p>grün</p>" * 500).encode()), ("Content-Encoding", coding))


def _policy(policy: str, **fields: object) -> Answer:
    nonce = f' nonce="{NONCE}"' if "nonce-" in policy else ""
    page = html(
        f"<p>policy</p><script{nonce}>{INLINE}</script>",
    ).replace('<script src="/script.js">', f'<script src="/script.js"{nonce}>')
    return _page(page, ("Content-Security-Policy", policy), **fields)


ACTIVITY = """
<script>
async function whole() {
  const done = [];
  done.push(await (await fetch('/fragment')).text());
  done.push((await fetch('/redirect/1')).url.replace(location.origin, ''));
  done.push((await fetch('/missing')).status);
  done.push((await fetch('/upload', {method: 'POST', body: 'x'.repeat(100000)})).status);
  done.push((await fetch('/range', {headers: {Range: 'bytes=0-9'}})).status);
  done.push((await fetch('/fragment', {method: 'HEAD'})).status);
  done.push(await fetch('/cut').then(answer => answer.text()).then(() => 'whole', () => 'cut'));
  for (const _ of [1, 2]) done.push(await (await fetch('/revalidated.json')).text());
  done.push(await new Promise(resolve => {
    const events = new EventSource('/events'), seen = [];
    events.onmessage = event => {
      seen.push(event.data);
      if (seen.length === 3) { events.close(); resolve(seen.join()); }
    };
  }));
  done.push(await new Promise(resolve => {
    const wire = new WebSocket(location.origin.replace('http', 'ws') + '/socket'), seen = [];
    wire.onopen = () => { wire.send('one'); wire.send(new Uint8Array(70000)); };
    wire.onmessage = async event => {
      seen.push(typeof event.data === 'string' ? event.data : event.data.size);
      if (seen.length === 2) { wire.close(); resolve(seen.join()); }
    };
  }));
  document.body.dataset.done = JSON.stringify(done);
}
addEventListener('load', () => setTimeout(whole));
</script><a id="file" href="/download">file</a>
"""

OTHER_ORIGINS = """
<script>
const other = `http://${location.hostname === 'localhost' ? '127.0.0.1' : 'localhost'}:${location.port}`;
document.write(`
  <img src="${other}/picture.gif?other"><script src="${other}/script.js?other"><\\/script>
  <img src="/redirect/other?${other}"><iframe src="${other}/framed"></iframe>`);
</script>
"""
"""A page with parts of another origin: this server by its other name."""

PAGES: dict[str, Answer] = {
    "/plain": _page(html("<p>plain</p>")),
    "/gzip": _coded("gzip", gzip.compress),
    "/deflate": _coded("deflate", zlib.compress),
    "/br": _coded("br", brotli.compress),
    "/zstd": _coded("zstd", zstandard.ZstdCompressor().compress),
    "/chunked": _page(html("<p>in pieces</p>" * 200), chunks=(7, 19, 1, 60, 500)),
    "/chunked-gzip": _page(
        gzip.compress(html("<p>in pieces</p>" * 200).encode()),
        ("Content-Encoding", "gzip"),
        chunks=(1, 5, 11),
    ),
    "/latin-1": _page(
        html("<p>Grüße aus Köln</p>").encode("latin-1"),
        ("Content-Type", "text/html; charset=iso-8859-1"),
    ),
    "/latin-1-meta": _page(
        html("<p>Grüße aus Köln</p>", head='<meta charset="iso-8859-1">').encode("latin-1"),
        ("Content-Type", "text/html"),
    ),
    "/utf-16": _page(
        ("\ufeff" + html("<p>Grüße</p>")).encode("utf-16-le"), ("Content-Type", "text/html")
    ),
    "/no-head": _page('<p>no head</p><script src="/script.js"></script>'),
    "/quirks": _page(html("<p>quirks</p>", begin="")),
    "/not-found": _page(html("<p>404</p>"), status=404, reason="Not Found"),
    "/broken": _page(html("<p>500</p>"), status=500, reason="Internal Server Error"),
    "/frames": _page(html('<iframe src="/framed"></iframe>')),
    "/policy/self": _policy("default-src 'self'; script-src 'self' 'unsafe-inline'"),
    "/policy/none": _policy("default-src 'none'; script-src 'self'; img-src 'self'"),
    "/policy/nonce": _policy(f"default-src 'self'; script-src 'nonce-{NONCE}'; connect-src 'none'"),
    "/policy/strict-dynamic": _policy(
        f"script-src 'nonce-{NONCE}' 'strict-dynamic' 'unsafe-inline' https:; object-src 'none';"
        " base-uri 'none'; require-trusted-types-for 'script'"
    ),
    "/policy/hash": _policy(f"default-src 'none'; script-src 'sha256-{INLINE_HASH}'; img-src *"),
    "/policy/elements": _policy(
        f"default-src 'self'; script-src 'none'; script-src-elem 'nonce-{NONCE}'"
    ),
    "/policy/sandbox": _policy("sandbox allow-scripts; script-src 'self' 'unsafe-inline'"),
    "/activity": _page(html(ACTIVITY)),
}
"""Path -> a page that a browser shows."""

_REVALIDATED = (
    ("Content-Type", "application/json"),
    ("ETag", '"1"'),
    ("Cache-Control", "no-cache"),
)

ANSWERS: dict[str, Answer] = {
    **PAGES,
    "/script.js": Answer(
        body=SCRIPT.encode(),
        headers=(("Content-Type", "text/javascript"), ("Cache-Control", "no-store")),
    ),
    "/picture.gif": Answer(
        body=PICTURE, headers=(("Content-Type", "image/gif"), ("Cache-Control", "no-store"))
    ),
    ICON: Answer(body=PICTURE, headers=(("Content-Type", "image/gif"),)),
    "/framed": _page(
        html(
            '<p>in a frame</p><iframe src="/redirect/frame"></iframe><object type="text/html" data="/object"></object>'
        )
    ),
    "/redirect/frame": Answer(302, "Found", (("Location", "/framed/inner"),)),
    "/framed/inner": _page(html("<p>in a frame of a frame</p>")),
    "/object": _page(html("<p>an object</p>")),
    "/other-origins": _page(html(OTHER_ORIGINS)),
    "/fragment": _page("<p>a piece of HTML for a script</p>"),
    "/redirect/1": Answer(302, "Found", (("Location", "/redirect/2"),)),
    "/redirect/2": Answer(307, "Temporary Redirect", (("Location", "/plain"),)),
    "/revalidated.json": Answer(body=b'{"a":1}', headers=_REVALIDATED),
    "/upload": Answer(204, "No Content"),
    "/range": Answer(
        206,
        "Partial Content",
        (("Content-Type", "text/plain"), ("Content-Range", "bytes 0-9/100")),
        b"0123456789",
    ),
    "/cut": Answer(headers=(("Content-Type", "text/plain"),), body=b"x" * 1000, drop=True),
    "/download": _page(
        html("<p>a file</p>"), ("Content-Disposition", 'attachment; filename="page.html"')
    ),
    "/events": Answer(
        headers=(("Content-Type", "text/event-stream"),),
        body=b"data: 1\n\ndata: 2\n\ndata: 3\n\n",
        chunks=(9, 9, 9),
    ),
}
NOT_FOUND = Answer(404, "Not Found", (("Content-Type", "text/plain"),), b"no such page\n")


@contextmanager
def running_site() -> Iterator[Site]:
    """The site on a free port of the loopback interface."""
    listener = socket.create_server(("127.0.0.1", 0))
    site = Site(f"http://127.0.0.1:{listener.getsockname()[1]}")
    connections: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(connection)
            threading.Thread(target=_serve, args=(site, connection), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        for one in (listener, *connections):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        thread.join(10)


def _serve(site: Site, connection: socket.socket) -> None:
    with suppress(OSError, ValueError), connection, connection.makefile("rb") as stream:
        while line := stream.readline():
            method, target, _ = line.decode("latin-1").split()
            raw = [line]
            headers: dict[str, str] = {}
            while (line := stream.readline()) not in {b"\r\n", b""}:
                raw.append(line)
                name, _, value = line.decode("latin-1").partition(":")
                headers[name.strip().lower()] = value.strip()
            stream.read(int(headers.get("content-length", 0)))
            path = urlsplit(target).path
            if headers.get("upgrade", "").lower() == "websocket":
                _echo(site, connection, path, b"".join([*raw, b"\r\n"]))
                return
            if not _answer(site, connection, method, target, headers):
                return


def _answer(
    site: Site, connection: socket.socket, method: str, target: str, headers: dict[str, str]
) -> bool:
    """Send the answer; False where the connection ends with it."""
    path = urlsplit(target).path
    answer = ANSWERS.get(path, NOT_FOUND)
    if path == "/redirect/other":
        other = urlsplit(target).query
        answer = Answer(302, "Found", (("Location", f"{other}/picture.gif"),))
    if headers.get("if-none-match") == '"1"':
        answer = Answer(304, "Not Modified", answer.headers)
    body = b"" if method == "HEAD" else answer.body
    lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    if answer.chunks:
        lines.append("Transfer-Encoding: chunked")
    elif answer.status not in {204, 304}:
        lines.append(f"Content-Length: {len(answer.body) * (2 if answer.drop else 1)}")
    head = "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")
    if path != ICON:
        # Before it is sent: who has the answer finds it in the log.
        site.log.append(Access(method, path, answer.status, len(head), len(body)))
    if path == "/events":
        # An event stream lasts until the browser ends it.
        connection.sendall(head + b"".join(_chunked(body, answer.chunks)))
        return connection.recv(1) != b""
    pieces = [*_chunked(body, answer.chunks), b"0\r\n\r\n"] if answer.chunks else [body]
    connection.sendall(head)
    for piece in pieces:
        connection.sendall(piece)
    return not answer.drop


def _chunked(body: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    at = 0
    for size in (*sizes, len(body)):
        piece = body[at : at + size]
        at += size
        if piece:
            yield b"%x\r\n%s\r\n" % (len(piece), piece)


def _echo(site: Site, connection: socket.socket, path: str, request: bytes) -> None:
    """A WebSocket that sends back what it gets."""
    wire = WSConnection(ConnectionType.SERVER)
    wire.receive_data(request)
    head_bytes = sent = 0
    while True:
        for event in wire.events():
            match event:
                case Request():
                    head = wire.send(AcceptConnection())
                    head_bytes = len(head)
                    connection.sendall(head)
                case TextMessage():
                    sent += len(event.data.encode())
                    connection.sendall(wire.send(TextMessage(event.data)))
                case BytesMessage():
                    sent += len(event.data)
                    connection.sendall(
                        wire.send(BytesMessage(event.data, message_finished=event.message_finished))
                    )
                case CloseConnection():
                    site.log.append(Access("GET", path, 101, head_bytes, sent))
                    connection.sendall(wire.send(event.response()))
                    return
                case _:
                    pass
        data = connection.recv(65536)
        if not data:
            return
        wire.receive_data(data)

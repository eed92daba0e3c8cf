"""The schema: packed tables made for one thing, and views in plain units for people.

What is appended must be small, what is read is a session by its range:

- URLs and short strings are interned; what follows from a URL is computed once, when it is first
  seen. Times are integer µs, those of an entry as offsets to its start, so that most take one to
  three bytes (SQLite stores NULL, 0 and 1 in none).
- ``entry`` has no secondary index. The entries of a batch are contiguous, so ``batch`` (with its
  range, its moments and its counters) is the index, the de-duplication and the accounting.
- ``session`` and ``pageview`` carry their totals, so that listing them reads no entry.
- The entries' positions (``seq``) are never used twice, also after pruning.

The columns of ``entry`` come from ``perftui.entry_fields``. As a migration never changes once it
has landed, the list is written out there and a test holds the two together.
"""

from __future__ import annotations

from perftui.entry_fields import ENTRY_FIELDS, FieldKind

APPLICATION_ID = 0x50465431
"""``PFT1`` in the file's header, so that a store is told from any other SQLite file."""

SEEDED_STRINGS: tuple[str, ...] = (
    # IDs from 1: an ID of 1 takes no byte in a row, those up to 127 take one.
    *("resource", "fetch", "h2", "GET", "non-blocking", "gzip", "http/1.1", "h3", "br", "zstd"),
    *("cache", "blocking", "xmlhttprequest", "script", "link", "css", "img", "navigation"),
    *("beacon", "iframe", "video", "audio", "early-hints", "other", "POST", "PUT", "PATCH"),
    *("DELETE", "HEAD", "OPTIONS", "deflate", "navigational-prefetch", "http/1.0"),
    *("application/json", "text/html", "text/css", "text/javascript", "application/javascript"),
    *("image/png", "image/jpeg", "image/webp", "image/avif", "image/svg+xml", "image/gif"),
    *("font/woff2", "text/plain", "video/mp4", "application/octet-stream", "text/event-stream"),
    *("paint", "first-paint", "first-contentful-paint", "largest-contentful-paint"),
    *("layout-shift", "longtask", "long-animation-frame", "event", "first-input", "mark"),
    *("measure", "element", "self", "click", "keydown", "pointerdown", "visibility", "hidden"),
    *("visible", "pageview", "capture", "action", "error", "console", "request-detail"),
    *("request", "sdk", "proxy", "har", "import", "demo", ""),
)
"""Interned first, in this order."""


def column(attribute: str, kind: FieldKind) -> str:
    """The column of ``entry`` for an attribute of :class:`perftui.model.Entry`."""
    if kind is FieldKind.TIME:
        return attribute.removesuffix("_us") + "_offset_us"
    return attribute


ENTRY_COLUMNS: tuple[str, ...] = (
    *("seq", "batch", "type", "url", "name", "start_us", "duration_us"),
    *(column(field.attribute, field.kind) for field in ENTRY_FIELDS),
    "extra",
)
"""All columns of ``entry``, in their order."""


TABLES = """
CREATE TABLE store (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  store_id TEXT NOT NULL,
  created_us INTEGER NOT NULL,
  pruned_seq INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE string (
  id INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
);
CREATE TABLE url (
  id INTEGER PRIMARY KEY,
  hash INTEGER NOT NULL,
  url TEXT NOT NULL,
  origin INTEGER REFERENCES string(id),
  host INTEGER REFERENCES string(id),
  site INTEGER REFERENCES string(id),
  endpoint INTEGER REFERENCES string(id)
);
CREATE INDEX url_hash ON url(hash);
CREATE TABLE session (
  id INTEGER PRIMARY KEY,
  session_id TEXT UNIQUE,
  source INTEGER NOT NULL REFERENCES string(id),
  label TEXT,
  pinned INTEGER NOT NULL DEFAULT 0,
  started_us INTEGER,
  ended_us INTEGER,
  first_received_us INTEGER NOT NULL,
  received_us INTEGER NOT NULL,
  batch_count INTEGER NOT NULL DEFAULT 0,
  page_view_count INTEGER NOT NULL DEFAULT 0,
  entry_count INTEGER NOT NULL DEFAULT 0,
  request_count INTEGER NOT NULL DEFAULT 0,
  error_count INTEGER NOT NULL DEFAULT 0,
  transfer_bytes INTEGER NOT NULL DEFAULT 0,
  unknown_size_count INTEGER NOT NULL DEFAULT 0,
  rejected_count INTEGER NOT NULL DEFAULT 0,
  byte_count INTEGER NOT NULL DEFAULT 0,
  wire_byte_count INTEGER NOT NULL DEFAULT 0,
  first_seq INTEGER,
  last_seq INTEGER,
  clock_error_us INTEGER,
  dropped TEXT,
  client TEXT
);
CREATE TABLE pageview (
  id INTEGER PRIMARY KEY,
  session INTEGER NOT NULL REFERENCES session(id),
  page_view_id TEXT NOT NULL,
  url INTEGER REFERENCES url(id),
  title TEXT,
  referrer TEXT,
  kind TEXT,
  navigation_type TEXT,
  time_origin_us INTEGER NOT NULL,
  time_origin_estimated INTEGER NOT NULL,
  told_start_us INTEGER,
  start_us INTEGER NOT NULL,
  end_us INTEGER NOT NULL,
  entry_count INTEGER NOT NULL DEFAULT 0,
  request_count INTEGER NOT NULL DEFAULT 0,
  error_count INTEGER NOT NULL DEFAULT 0,
  transfer_bytes INTEGER NOT NULL DEFAULT 0,
  unknown_size_count INTEGER NOT NULL DEFAULT 0,
  UNIQUE (session, page_view_id)
);
CREATE TABLE batch (
  id INTEGER PRIMARY KEY,
  session INTEGER NOT NULL REFERENCES session(id),
  pageview INTEGER NOT NULL REFERENCES pageview(id),
  key BLOB NOT NULL,
  first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  received_us INTEGER NOT NULL,
  sent_us INTEGER,
  byte_count INTEGER NOT NULL,
  wire_byte_count INTEGER NOT NULL,
  rejected_count INTEGER NOT NULL,
  time_origin_us INTEGER NOT NULL,
  time_origin_estimated INTEGER NOT NULL,
  start_us INTEGER,
  end_us INTEGER,
  request_count INTEGER NOT NULL,
  error_count INTEGER NOT NULL,
  source INTEGER NOT NULL REFERENCES string(id),
  dropped TEXT,
  UNIQUE (session, key)
);
CREATE INDEX batch_pageview ON batch(pageview);
CREATE TABLE entry (
  seq INTEGER PRIMARY KEY,
  batch INTEGER NOT NULL REFERENCES batch(id),
  type INTEGER NOT NULL REFERENCES string(id),
  url INTEGER REFERENCES url(id),
  name INTEGER REFERENCES string(id),
  start_us INTEGER NOT NULL,
  duration_us INTEGER,
  initiator_type INTEGER REFERENCES string(id),
  method INTEGER REFERENCES string(id),
  next_hop_protocol INTEGER REFERENCES string(id),
  content_type INTEGER REFERENCES string(id),
  content_encoding INTEGER REFERENCES string(id),
  delivery_type INTEGER REFERENCES string(id),
  render_blocking_status INTEGER REFERENCES string(id),
  response_status INTEGER,
  worker_start_offset_us INTEGER,
  redirect_start_offset_us INTEGER,
  redirect_end_offset_us INTEGER,
  fetch_start_offset_us INTEGER,
  domain_lookup_start_offset_us INTEGER,
  domain_lookup_end_offset_us INTEGER,
  connect_start_offset_us INTEGER,
  secure_connection_start_offset_us INTEGER,
  connect_end_offset_us INTEGER,
  request_start_offset_us INTEGER,
  first_interim_response_start_offset_us INTEGER,
  final_response_headers_start_offset_us INTEGER,
  response_start_offset_us INTEGER,
  response_end_offset_us INTEGER,
  transfer_size INTEGER,
  encoded_body_size INTEGER,
  decoded_body_size INTEGER,
  extra TEXT
);
CREATE TABLE flow (
  flow_id TEXT PRIMARY KEY,
  session INTEGER NOT NULL REFERENCES session(id),
  browser_seq INTEGER,
  proxy_seq INTEGER,
  merged_seq INTEGER
) WITHOUT ROWID;
CREATE INDEX flow_session ON flow(session, merged_seq);
CREATE TABLE volume (
  day TEXT NOT NULL,
  entry_type TEXT NOT NULL,
  entry_count INTEGER NOT NULL,
  byte_count INTEGER NOT NULL,
  PRIMARY KEY (day, entry_type)
) WITHOUT ROWID;
CREATE TABLE checkpoint (
  name TEXT PRIMARY KEY,
  last_seq INTEGER NOT NULL,
  updated_us INTEGER NOT NULL,
  state TEXT
) WITHOUT ROWID;
"""


def _milliseconds(offset: str) -> str:
    return f"(e.start_us + e.{offset}) / 1000.0"


_JOINS = """
FROM entry AS e
JOIN batch AS b ON b.id = e.batch AND e.seq BETWEEN +b.first_seq AND +b.last_seq
JOIN pageview AS p ON p.id = b.pageview
JOIN session AS s ON s.id = p.session
JOIN string AS t ON t.id = e.type
LEFT JOIN url AS u ON u.id = e.url
LEFT JOIN string AS n ON n.id = e.name
"""
# An entry is found from its batch by the range, and a batch from its entry by the ID: whichever a
# query starts from, the other is one look-up. The plus signs keep SQLite from searching batches
# by range.

_INTERNED = tuple(field.attribute for field in ENTRY_FIELDS if field.kind is FieldKind.TEXT)

_STRING_JOINS = "\n".join(
    f"LEFT JOIN string AS s_{name} ON s_{name}.id = e.{name}" for name in _INTERNED
)


def _moment(microseconds: str) -> str:
    """SQL for a moment as ISO 8601 in UTC with milliseconds."""
    return f"strftime('%Y-%m-%dT%H:%M:%fZ', ({microseconds}) / 1000000.0, 'unixepoch')"


def _readable_columns() -> str:
    columns: list[str] = []
    for field in ENTRY_FIELDS:
        match field.kind:
            case FieldKind.TEXT:
                columns.append(f"s_{field.attribute}.text AS {field.attribute}")
            case FieldKind.TIME:
                name = field.attribute.removesuffix("_us")
                columns.append(f"{_milliseconds(column(field.attribute, field.kind))} AS {name}_ms")
            case FieldKind.SIZE:
                name = field.attribute.removesuffix("_size")
                columns.append(f"e.{field.attribute} AS {name}_bytes")
            case FieldKind.STATUS:
                columns.append(f"e.{field.attribute}")
    return ",\n  ".join(columns)


VIEWS = f"""
CREATE VIEW requests AS SELECT
  e.seq,
  s.session_id,
  p.page_view_id,
  {_moment("b.time_origin_us + e.start_us")} AS started,
  u.url,
  s_method.text AS method,
  e.response_status AS status,
  s_initiator_type.text AS initiator_type,
  e.start_us / 1000.0 AS start_ms,
  e.duration_us / 1000.0 AS duration_ms,
  (e.request_start_offset_us) / 1000.0 AS waited_before_request_ms,
  (e.response_start_offset_us - e.request_start_offset_us) / 1000.0 AS server_ms,
  (e.response_end_offset_us - e.response_start_offset_us) / 1000.0 AS download_ms,
  e.transfer_size AS transfer_bytes,
  e.encoded_body_size AS encoded_body_bytes,
  e.decoded_body_size AS decoded_body_bytes,
  s_next_hop_protocol.text AS protocol,
  s_content_type.text AS content_type,
  s_content_encoding.text AS content_encoding,
  s_delivery_type.text AS delivery_type,
  s_render_blocking_status.text AS render_blocking_status,
  endpoint.text AS endpoint,
  host.text AS host,
  t.text AS entry_type,
  e.extra
{_JOINS}
{_STRING_JOINS}
LEFT JOIN string AS endpoint ON endpoint.id = u.endpoint
LEFT JOIN string AS host ON host.id = u.host
WHERE t.text IN ('resource', 'navigation', 'request');

CREATE VIEW entries_readable AS SELECT
  e.seq,
  s.session_id,
  p.page_view_id,
  {_moment("b.time_origin_us + e.start_us")} AS started,
  t.text AS entry_type,
  coalesce(u.url, n.text) AS name,
  e.start_us / 1000.0 AS start_ms,
  e.duration_us / 1000.0 AS duration_ms,
  {_readable_columns()},
  e.extra
{_JOINS}
{_STRING_JOINS};

CREATE VIEW pageviews AS SELECT
  s.session_id,
  p.page_view_id,
  {_moment("p.time_origin_us + coalesce(p.told_start_us, p.start_us)")} AS started,
  u.url,
  p.title,
  p.kind,
  p.navigation_type,
  p.referrer,
  coalesce(p.told_start_us, p.start_us) / 1000.0 AS start_ms,
  (p.end_us - coalesce(p.told_start_us, p.start_us)) / 1000.0 AS duration_ms,
  p.entry_count,
  p.request_count,
  p.error_count,
  p.transfer_bytes,
  p.unknown_size_count
FROM pageview AS p
JOIN session AS s ON s.id = p.session
LEFT JOIN url AS u ON u.id = p.url
WHERE s.session_id IS NOT NULL;

CREATE VIEW sessions AS SELECT
  s.session_id,
  {_moment("s.started_us")} AS started,
  (s.ended_us - s.started_us) / 1000.0 AS duration_ms,
  s.label,
  s.pinned,
  s.page_view_count,
  s.entry_count,
  s.request_count,
  s.error_count,
  s.transfer_bytes,
  s.unknown_size_count,
  s.byte_count AS received_bytes,
  {_moment("s.received_us")} AS received,
  s.clock_error_us / 1000.0 AS clock_error_ms,
  source.text AS source,
  s.dropped,
  s.client
FROM session AS s
JOIN string AS source ON source.id = s.source
WHERE s.session_id IS NOT NULL;
"""


def _view(name: str) -> str:
    """The statement of :data:`VIEWS` that makes a view, without its semicolon."""
    begin = VIEWS.index(f"CREATE VIEW {name} AS")
    return VIEWS[begin : VIEWS.index(";", begin)]


DELETED_SESSIONS = f"""
ALTER TABLE session ADD COLUMN deleted_us INTEGER;
ALTER TABLE store ADD COLUMN pruned_batch INTEGER NOT NULL DEFAULT 0;
DROP VIEW requests;
DROP VIEW entries_readable;
{_view("requests")} AND s.session_id IS NOT NULL;
{_view("entries_readable")}
WHERE s.session_id IS NOT NULL;
"""
"""From version 1 to 2: a deleted session loses its ID at once, may be put back for a while, and
its entries go in small steps; meanwhile no view shows them. Like positions, the IDs of batches
are never used twice, as exports remember how far they got by them."""

FRAMES = """
ALTER TABLE flow ADD COLUMN frame_seq INTEGER;
CREATE INDEX flow_frame ON flow(session, browser_seq) WHERE frame_seq IS NOT NULL;
"""
"""From version 2 to 3: of a frame's document, where is what the page around the frame told."""

ESTIMATED_PAGEVIEWS = f"""
DROP VIEW pageviews;
{
    _view("pageviews").replace(
        "p.unknown_size_count", "p.unknown_size_count, p.time_origin_estimated"
    )
};
"""
"""From version 3 to 4: the view says of a pageview whether its time origin is an estimate (1), made
from the moment of receipt, as nobody told it. The column stands last, so that those before it keep
their places."""

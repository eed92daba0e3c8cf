-- The production tables on one server; `perftui schema clickhouse` prints them, and with
-- --cluster NAME those of a cluster. Generated: run scripts/write_schema_files.py.

CREATE TABLE IF NOT EXISTS performance_entries (
  timestamp DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'when it started, by the client\'s clock',
  session_id String CODEC(ZSTD(1)) COMMENT 'the session',
  page_view_id String CODEC(ZSTD(1)) COMMENT 'the pageview in which it started',
  batch_key String CODEC(ZSTD(1)) COMMENT 'the batch, 32 hexadecimal digits',
  batch_index UInt32 CODEC(Delta, ZSTD(1)) COMMENT 'position in its batch, from 0',
  batch_entries UInt32 CODEC(ZSTD(1)) COMMENT 'entries of its batch; 0: this row stands for it',
  row_version UInt64 CODEC(ZSTD(1)) COMMENT 'of rows with one key the highest counts',
  is_deleted UInt8 CODEC(ZSTD(1)) COMMENT '1: the row has gone into another one',
  entry_type LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'PerformanceEntry.entryType',
  name String CODEC(ZSTD(3)) COMMENT 'PerformanceEntry.name; of requests the URL, redacted',
  host LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'host of the URL; empty for what is no request',
  site LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'registrable domain of the URL',
  endpoint LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'host and path template of the URL',
  resource_type LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'document, script, fetch, …; empty: no request',
  start_us Int64 CODEC(Delta, ZSTD(1)) COMMENT 'startTime, µs since time_origin',
  duration_us Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'duration, µs; NULL is unknown',
  initiator_type LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'initiatorType; NULL is unknown',
  method LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'method; NULL is unknown',
  next_hop_protocol LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'nextHopProtocol; NULL is unknown',
  content_type LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'contentType; NULL is unknown',
  content_encoding LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'contentEncoding; NULL is unknown',
  delivery_type LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'deliveryType; NULL is unknown',
  render_blocking_status LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'renderBlockingStatus; NULL is unknown',
  response_status Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'responseStatus; NULL is unknown',
  worker_start_us Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'workerStart, µs since time_origin; NULL is unknown',
  redirect_start_us Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'redirectStart, µs since time_origin; NULL is unknown',
  redirect_end_us Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'redirectEnd, µs since time_origin; NULL is unknown',
  fetch_start_us Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'fetchStart, µs since time_origin; NULL is unknown',
  domain_lookup_start_us Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'domainLookupStart, µs since time_origin; NULL is unknown',
  domain_lookup_end_us Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'domainLookupEnd, µs since time_origin; NULL is unknown',
  connect_start_us Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'connectStart, µs since time_origin; NULL is unknown',
  secure_connection_start_us Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'secureConnectionStart, µs since time_origin; NULL is unknown',
  connect_end_us Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'connectEnd, µs since time_origin; NULL is unknown',
  request_start_us Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'requestStart, µs since time_origin; NULL is unknown',
  first_interim_response_start_us Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'firstInterimResponseStart, µs since time_origin; NULL is unknown',
  final_response_headers_start_us Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'finalResponseHeadersStart, µs since time_origin; NULL is unknown',
  response_start_us Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'responseStart, µs since time_origin; NULL is unknown',
  response_end_us Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'responseEnd, µs since time_origin; NULL is unknown',
  transfer_size Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'transferSize, bytes; NULL is unknown',
  encoded_body_size Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'encodedBodySize, bytes; NULL is unknown',
  decoded_body_size Nullable(Int64) CODEC(T64, ZSTD(1)) COMMENT 'decodedBodySize, bytes; NULL is unknown',
  extra String CODEC(ZSTD(3)) COMMENT 'fields without a column of their own, JSON',
  page_url Nullable(String) CODEC(ZSTD(3)) COMMENT 'URL of the pageview',
  page LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'host and path template of the pageview\'s URL',
  page_title Nullable(String) CODEC(ZSTD(3)) COMMENT 'title of the pageview',
  page_referrer Nullable(String) CODEC(ZSTD(3)) COMMENT 'referrer of the pageview',
  navigation_type LowCardinality(Nullable(String)) CODEC(ZSTD(1)) COMMENT 'navigate, reload, back_forward, …',
  time_origin DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'performance.timeOrigin of the document',
  time_origin_estimated UInt8 CODEC(ZSTD(1)) COMMENT '1: nobody told it',
  received DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)) COMMENT 'when the batch arrived, by the server\'s clock',
  sent Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)) COMMENT 'when it was sent, by the client\'s clock',
  batch_bytes UInt32 CODEC(ZSTD(1)) COMMENT 'the batch as JSON, bytes',
  batch_wire_bytes UInt32 CODEC(ZSTD(1)) COMMENT 'the batch as received, bytes',
  batch_rejected UInt32 CODEC(ZSTD(1)) COMMENT 'items of the batch that were refused',
  client String CODEC(ZSTD(3)) COMMENT 'what the client told of itself, JSON',
  dropped String CODEC(ZSTD(3)) COMMENT 'what the client had to drop, by entry type, JSON',
  source LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'sdk, proxy, har, import, …',
  retention_days UInt16 MATERIALIZED 30 COMMENT 'days that the row stays',
  INDEX endpoint_set endpoint TYPE set(256) GRANULARITY 4
)
ENGINE = ReplacingMergeTree(row_version, is_deleted)
PARTITION BY (toDate(timestamp), retention_days)
PRIMARY KEY (session_id, timestamp)
ORDER BY (session_id, timestamp, batch_key, batch_index)
TTL toDateTime(least(toUnixTimestamp(timestamp) + 86400 * retention_days, 4294967295))
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS performance_rollups (
  kind LowCardinality(String) COMMENT 'endpoint: its calls; page: its navigations',
  name LowCardinality(String) COMMENT 'host and path template',
  resource_type LowCardinality(String) COMMENT 'as in performance_entries',
  hour DateTime('UTC') CODEC(Delta, ZSTD(1)) COMMENT 'start of the hour of the start',
  requests SimpleAggregateFunction(sum, UInt64) COMMENT 'how many',
  errors SimpleAggregateFunction(sum, UInt64) COMMENT 'of these with status >= 400',
  known_sizes SimpleAggregateFunction(sum, UInt64) COMMENT 'of these with a size',
  transfer_bytes SimpleAggregateFunction(sum, UInt64) COMMENT 'sum of the known sizes',
  duration_ms AggregateFunction(quantilesTDigest(0.5, 0.75, 0.95, 0.99), Float64) COMMENT 'state of the known durations',
  response_start_ms AggregateFunction(quantilesTDigest(0.5, 0.75, 0.95, 0.99), Float64) COMMENT 'state of the known times from start to first byte'
)
ENGINE = AggregatingMergeTree()
PARTITION BY toYYYYMM(hour)
ORDER BY (kind, name, resource_type, hour)
TTL hour + toIntervalDay(360)
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;

CREATE MATERIALIZED VIEW IF NOT EXISTS performance_rollups_of_endpoints
TO performance_rollups AS
SELECT
  'endpoint' AS kind,
  endpoint AS name,
  resource_type,
  toStartOfHour(timestamp) AS hour,
  count() AS requests,
  countIf(response_status >= 400) AS errors,
  count(transfer_size) AS known_sizes,
  sum(ifNull(transfer_size, 0)) AS transfer_bytes,
  quantilesTDigestStateIf(0.5, 0.75, 0.95, 0.99)(assumeNotNull(duration_us) / 1000, duration_us IS NOT NULL) AS duration_ms,
  quantilesTDigestStateIf(0.5, 0.75, 0.95, 0.99)(assumeNotNull(response_start_us - start_us) / 1000, response_start_us IS NOT NULL) AS response_start_ms
FROM performance_entries
WHERE resource_type != '' AND is_deleted = 0
GROUP BY kind, name, resource_type, hour;

CREATE MATERIALIZED VIEW IF NOT EXISTS performance_rollups_of_pages
TO performance_rollups AS
SELECT
  'page' AS kind,
  page AS name,
  resource_type,
  toStartOfHour(timestamp) AS hour,
  count() AS requests,
  countIf(response_status >= 400) AS errors,
  count(transfer_size) AS known_sizes,
  sum(ifNull(transfer_size, 0)) AS transfer_bytes,
  quantilesTDigestStateIf(0.5, 0.75, 0.95, 0.99)(assumeNotNull(duration_us) / 1000, duration_us IS NOT NULL) AS duration_ms,
  quantilesTDigestStateIf(0.5, 0.75, 0.95, 0.99)(assumeNotNull(response_start_us - start_us) / 1000, response_start_us IS NOT NULL) AS response_start_ms
FROM performance_entries
WHERE entry_type = 'navigation' AND is_deleted = 0
GROUP BY kind, name, resource_type, hour;

CREATE VIEW IF NOT EXISTS performance_pageviews AS
SELECT
  session_id,
  page_view_id,
  ifNull(minOrNullIf(timestamp, entry_type != ''), min(received)) AS started,
  argMax(page_url, received) AS url,
  argMax(page, received) AS page,
  argMax(page_title, received) AS title,
  countIf(entry_type != '') AS entries,
  countIf(resource_type != '') AS requests,
  countIf(resource_type != '' AND response_status >= 400) AS errors,
  sum(ifNull(transfer_size, 0)) AS transfer_bytes,
  countIf(resource_type != '' AND transfer_size IS NULL) AS unknown_sizes,
  minOrNullIf(start_us, name = 'first-contentful-paint') / 1000 AS first_contentful_paint_ms,
  maxOrNullIf(start_us, entry_type = 'largest-contentful-paint') / 1000 AS largest_contentful_paint_ms,
  minOrNullIf(response_start_us, entry_type = 'navigation') / 1000 AS response_start_ms
FROM performance_entries FINAL
GROUP BY session_id, page_view_id;

CREATE VIEW IF NOT EXISTS performance_sessions AS
SELECT
  session_id,
  ifNull(minOrNullIf(timestamp, entry_type != ''), min(e.received)) AS started,
  ifNull(maxOrNullIf(timestamp + toIntervalMicrosecond(ifNull(duration_us, 0)), entry_type != ''), min(e.received)) AS ended,
  max(e.received) AS received,
  uniqExact(page_view_id) AS page_views,
  countIf(entry_type != '') AS entries,
  countIf(resource_type != '') AS requests,
  countIf(resource_type != '' AND response_status >= 400) AS errors,
  sum(ifNull(transfer_size, 0)) AS transfer_bytes,
  countIf(resource_type != '' AND transfer_size IS NULL) AS unknown_sizes,
  argMin(page_url, timestamp) AS url,
  argMin(page_title, timestamp) AS title,
  any(source) AS source
FROM performance_entries AS e FINAL
GROUP BY session_id;

CREATE TABLE IF NOT EXISTS performance_schema (
  version UInt32 COMMENT 'of the schema',
  applied DateTime DEFAULT now() COMMENT 'when'
)
ENGINE = ReplacingMergeTree()
ORDER BY version;

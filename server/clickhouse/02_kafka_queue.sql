-- What reads Kafka's topic into performance_entries; `perftui schema kafka` prints it.
-- Generated: run scripts/write_schema_files.py.

CREATE TABLE IF NOT EXISTS performance_entries_queue (
  timestamp DateTime64(6, 'UTC'),
  session_id String,
  page_view_id String,
  batch_key String,
  batch_index UInt32,
  batch_entries UInt32,
  row_version UInt64,
  is_deleted UInt8,
  entry_type LowCardinality(String),
  name String,
  host LowCardinality(String),
  site LowCardinality(String),
  endpoint LowCardinality(String),
  resource_type LowCardinality(String),
  start_us Int64,
  duration_us Nullable(Int64),
  initiator_type LowCardinality(Nullable(String)),
  method LowCardinality(Nullable(String)),
  next_hop_protocol LowCardinality(Nullable(String)),
  content_type LowCardinality(Nullable(String)),
  content_encoding LowCardinality(Nullable(String)),
  delivery_type LowCardinality(Nullable(String)),
  render_blocking_status LowCardinality(Nullable(String)),
  response_status Nullable(Int64),
  worker_start_us Nullable(Int64),
  redirect_start_us Nullable(Int64),
  redirect_end_us Nullable(Int64),
  fetch_start_us Nullable(Int64),
  domain_lookup_start_us Nullable(Int64),
  domain_lookup_end_us Nullable(Int64),
  connect_start_us Nullable(Int64),
  secure_connection_start_us Nullable(Int64),
  connect_end_us Nullable(Int64),
  request_start_us Nullable(Int64),
  first_interim_response_start_us Nullable(Int64),
  final_response_headers_start_us Nullable(Int64),
  response_start_us Nullable(Int64),
  response_end_us Nullable(Int64),
  transfer_size Nullable(Int64),
  encoded_body_size Nullable(Int64),
  decoded_body_size Nullable(Int64),
  extra String,
  page_url Nullable(String),
  page LowCardinality(String),
  page_title Nullable(String),
  page_referrer Nullable(String),
  navigation_type LowCardinality(Nullable(String)),
  time_origin DateTime64(6, 'UTC'),
  time_origin_estimated UInt8,
  received DateTime64(6, 'UTC'),
  sent Nullable(DateTime64(6, 'UTC')),
  batch_bytes UInt32,
  batch_wire_bytes UInt32,
  batch_rejected UInt32,
  client String,
  dropped String,
  source LowCardinality(String)
)
ENGINE = Kafka
SETTINGS
  kafka_broker_list = 'kafka:9092',
  kafka_topic_list = 'performance_entries',
  kafka_group_name = 'perftui',
  kafka_format = 'JSONEachRow',
  kafka_num_consumers = 1,
  kafka_handle_error_mode = 'stream';

CREATE MATERIALIZED VIEW IF NOT EXISTS performance_entries_queue_reader
TO performance_entries AS
SELECT timestamp, session_id, page_view_id, batch_key, batch_index, batch_entries, row_version, is_deleted, entry_type, name, host, site, endpoint, resource_type, start_us, duration_us, initiator_type, method, next_hop_protocol, content_type, content_encoding, delivery_type, render_blocking_status, response_status, worker_start_us, redirect_start_us, redirect_end_us, fetch_start_us, domain_lookup_start_us, domain_lookup_end_us, connect_start_us, secure_connection_start_us, connect_end_us, request_start_us, first_interim_response_start_us, final_response_headers_start_us, response_start_us, response_end_us, transfer_size, encoded_body_size, decoded_body_size, extra, page_url, page, page_title, page_referrer, navigation_type, time_origin, time_origin_estimated, received, sent, batch_bytes, batch_wire_bytes, batch_rejected, client, dropped, source
FROM performance_entries_queue
WHERE length(_error) = 0;

CREATE TABLE IF NOT EXISTS performance_dead_letters (
  seen DateTime DEFAULT now() COMMENT 'when it was read',
  topic LowCardinality(String) COMMENT 'Kafka topic',
  partition UInt64 COMMENT 'Kafka partition',
  offset UInt64 COMMENT 'Kafka offset',
  error String COMMENT 'why it could not be read',
  message String CODEC(ZSTD(3)) COMMENT 'the message as it was'
)
ENGINE = MergeTree()
ORDER BY seen
TTL seen + toIntervalDay(30);

CREATE MATERIALIZED VIEW IF NOT EXISTS performance_entries_queue_errors
TO performance_dead_letters AS
SELECT now() AS seen, _topic AS topic, _partition AS partition, _offset AS offset, _error AS error, _raw_message AS message
FROM performance_entries_queue
WHERE length(_error) > 0;

/** The public shape of the SDK: what a page may set, and what it may call. */

/** An entry as it goes over the wire: a `PerformanceEntry`, or one of our own shaped like it. */
export interface Entry {
  name: string;
  entryType: string;
  /** Milliseconds since `performance.timeOrigin`. */
  startTime: number;
  /** Milliseconds; absent means 0. */
  duration?: number;
  [field: string]: unknown;
}

export interface DetailOptions {
  /** Names of request and response headers to record, in lower case. */
  headers?: readonly string[];
  /** How many characters of each request and response body to record. Default 0: none. */
  bodyLimit?: number;
}

export interface Options {
  /** Where batches go. The script tag's default is `/batch` beside the script itself. */
  endpoint?: string;
  /**
   * What to record: entry types, with `resource` optionally narrowed to an initiator
   * (`resource:fetch`). `*` is everything but the opt-in `console` and `request-detail`.
   */
  types?: readonly string[];
  /** Shortest `event` entry to record, in milliseconds; the browser's floor is 16. Default 40. */
  durationThreshold?: number;
  /** Share of sessions to record, 0 to 1. Default 1. */
  sampleRate?: number;
  /** Milliseconds between batches. Default 2000. */
  flushInterval?: number;
  /** Matches are replaced by `REDACTED` in every string of browser entries and in page URLs. */
  redact?: readonly RegExp[];
  /** Sees every entry before it is sent; what it returns is sent, a falsy value drops the entry. */
  beforeSend?: (entry: Entry) => Entry | null | undefined | false;
  /** Record nothing for browsers that send `DNT: 1` or `Sec-GPC: 1`. Default true. */
  respectPrivacySignals?: boolean;
  /** Ask the endpoint's `/config` what to record. Default true. */
  config?: boolean;
  /** Settings of `request-detail`, which is recorded only when `types` names it. */
  detail?: DetailOptions;
  /** The capture server's key, where it asks for one. */
  key?: string;
}

/** A part that is loaded only when asked for. It records through `add`. */
export type Plugin = (host: PluginHost) => void;

export interface PluginHost {
  /** Records an entry; never throws. */
  add(entry: Entry): void;
  /** Is this entry type asked for? */
  wants(entryType: string): boolean;
  /** Is this URL one of the SDK's own requests? */
  own(url: string): boolean;
  detail: DetailOptions;
}

export interface Perftui {
  /** Records an analytics event. */
  capture(name: string, properties?: Record<string, unknown>): void;
  /** Starts a new pageview, for changes of view that leave the URL's path as it is. */
  pageview(): void;
  /** Sends what is queued now. */
  flush(): void;
  /** Stops recording in this browser until `optIn()`; what is queued is thrown away. */
  optOut(): void;
  /** Undoes `optOut()`; recording starts with the next page load. */
  optIn(): void;
  /** Adds a part, such as the default export of `perftui/detail`. */
  use(plugin: Plugin): void;
  /** The current session's ID, or `''` while nothing is recorded. */
  readonly sessionId: string;
  /** The current pageview's ID, or `''` while nothing is recorded. */
  readonly pageViewId: string;
}

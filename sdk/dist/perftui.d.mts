/** The public shape of the SDK: what a page may set, and what it may call. */
/** An entry as it goes over the wire: a `PerformanceEntry`, or one of our own shaped like it. */
export interface Entry {
    name: string;
    entryType: string;
    /** Milliseconds since `performance.timeOrigin`. */
    startTime: number;
    /** Milliseconds. */
    duration?: number;
    [field: string]: unknown;
}
/**
 * Every setting is also a `data-` attribute of the script tag (`data-sample-rate="0.1"`), except
 * `beforeSend`. Lists are separated by commas or spaces there, and `redact` is one expression.
 */
export interface Options {
    /**
     * Where batches go. Default: `/batch` at the origin of the script, or of the page for the module.
     * It may carry a query, such as the `?key=…` of a server that asks for one.
     */
    endpoint?: string;
    /**
     * What to record: entry types, with `resource` optionally narrowed to an initiator
     * (`resource:fetch`). `*`, the default, is everything but `console` and `request-detail`.
     */
    types?: readonly string[];
    /** Adds `console` and `request-detail` to `types`. Default false. */
    detail?: boolean;
    /** Names of the request and response headers that `request-detail` records. */
    detailHeaders?: readonly string[];
    /** How many characters of each body `request-detail` records. Default 0: none. */
    detailBodyLimit?: number;
    /** Shortest `event` entry to record, in milliseconds; the browser's floor is 16. Default 40. */
    durationThreshold?: number;
    /** Share of sessions to record, 0 to 1. Default 1. */
    sampleRate?: number;
    /** Milliseconds from the first waiting entry to its batch. Default 2000. */
    flushInterval?: number;
    /** What these match becomes `REDACTED`, in every string that is sent. */
    redact?: readonly RegExp[];
    /** Sees every entry before it is sent: what it returns is sent, a falsy value drops the entry. */
    beforeSend?: (entry: Entry) => Entry | null | undefined | false;
    /** Record nothing in browsers that ask for it by `DNT: 1` or `Sec-GPC: 1`. Default true. */
    privacySignals?: boolean;
    /** Ask the server's `/config` what to record. Default true. */
    config?: boolean;
}
/** A part that is loaded only when asked for. It records through its host. */
export type Plugin = (host: PluginHost) => void;
export interface PluginHost {
    /** Records an entry, if its type is asked for; never throws. */
    add(entry: Entry): void;
    /** Is this URL one of the SDK's own requests? */
    own(url: string): boolean;
    options: Omit<Options, 'types'> & {
        types: string[];
    };
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
    /** The current session's ID; undefined where recording never started. */
    readonly sessionId: string | undefined;
    /** The current pageview's ID; undefined where recording never started. */
    readonly pageViewId: string | undefined;
}
/** Starts recording. A second call changes nothing. */
export declare function init(options?: Options): Perftui;

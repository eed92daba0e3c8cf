/** What waits to be sent: bounded, the cheapest dropped first and counted, packed into batches. */
import type { Entry } from './api.ts';
import { compact } from './compact.ts';
import { core } from './core.ts';
import { uuid } from './ids.ts';
import { currentView, viewAt, type View } from './pageviews.ts';

export interface Item {
  _entry: Entry | PerformanceEntry;
  /** What the browser's own toJSON leaves out. */
  _extra: Record<string, unknown> | undefined;
  _view: View;
  _rank: number;
}

export interface Batch {
  _body: string;
  /** How many entries of each type, with what was dropped before them. */
  _counts: Record<string, number>;
  /** A keepalive request that outlives the page is under way. */
  _safe?: boolean;
}

export const QUEUE_LIMIT = 3000;
export const BATCH_LIMIT = 5e4;

export const queue: Item[] = [];
export let dropped: Record<string, number> = {};

const encoder = new TextEncoder();

export function drop(entryType: string, count = 1): void {
  dropped[entryType] = (dropped[entryType] || 0) + count;
}

/** How dear an entry is: what only we saw, then API calls and vitals, then assets, then the rest. */
export function rank(entry: { entryType: string; initiatorType?: unknown }): number {
  const type = entry.entryType;
  return /^(pageview|navigation|capture|error|action)$/.test(type)
    ? 3
    : /^(fetch|xmlhttprequest)$/.test(entry.initiatorType as string) ||
        /^(paint|larg|layout|first|request)/.test(type)
      ? 2
      : type == 'resource'
        ? 1
        : 0;
}

/** Takes an entry into the queue, with the pageview in which it started. */
export function add(entry: Entry | PerformanceEntry, extra?: Record<string, unknown>): void {
  const view = viewAt(entry.startTime);
  if (!core._alive || !view._sampled) return;
  queue.push({ _entry: entry, _extra: extra, _view: view, _rank: rank(entry) });
  if (queue.length > QUEUE_LIMIT) {
    // The oldest of the cheapest; a tenth at once, so that a storm is not sorted entry by entry.
    const cheapest = [...queue].sort((a, b) => a._rank - b._rank).slice(0, QUEUE_LIMIT / 10);
    const gone = new Set(cheapest);
    for (const item of cheapest) drop(item._entry.entryType);
    queue.splice(0, queue.length, ...queue.filter((item) => !gone.has(item)));
  }
}

/** An item as JSON, or undefined where `beforeSend` drops it or it cannot be written. */
function serialise({ _entry: raw, _extra }: Item): string | undefined {
  try {
    let entry: Entry | null | undefined | false;
    if ('toJSON' in raw) {
      entry = compact(raw, core._redact) as Entry;
      entry.name ??= '';
      entry.startTime ??= 0;
      Object.assign(entry, _extra);
    } else {
      entry = JSON.parse(
        JSON.stringify(raw, (_key, value) =>
          typeof value == 'string' ? core._redact(value) : value,
        ),
      ) as Entry;
    }
    const hook = core._options.beforeSend;
    if (hook) entry = hook(entry);
    return entry ? JSON.stringify(entry) : undefined;
  } catch {
    // A hook that throws must not let through what it was there to hold back.
    return undefined;
  }
}

/** Takes the next batch off the queue: entries of one pageview, at most `limit` bytes of JSON. */
export function build(client: object, limit = BATCH_LIMIT): Batch | undefined {
  const view = queue[0]?._view || currentView();
  const url = core._redact(view._url);
  if (view == currentView()) view._entry.title = document.title;
  const head: Record<string, unknown> = {
    sessionId: view._session,
    pageViewId: view._id,
    batchId: uuid(Date.now()),
    timeOrigin: performance.timeOrigin,
    sentAt: performance.timeOrigin + performance.now(),
    page: {
      url,
      title: view._entry.title,
      referrer: core._redact(view._referrer),
      navigationType: view._navigation,
    },
    client,
  };
  const counts: Record<string, number> = {};
  const parts: string[] = [];
  // Room for what the head grows by: counts of dropped entries.
  let size = encoder.encode(JSON.stringify(head)).length + 500;
  let full = false;
  const rest = queue.filter((item) => {
    if (full || item._view != view) return true;
    const type = item._entry.entryType;
    const json = serialise(item);
    const bytes = json ? encoder.encode(json).length + 1 : BATCH_LIMIT;
    if (!json || bytes + 1000 > BATCH_LIMIT) drop(type);
    else if (size + bytes > limit) return (full = true);
    else {
      size += bytes;
      parts.push(json);
      counts[type] = (counts[type] || 0) + 1;
    }
    return false;
  });
  queue.splice(0, queue.length, ...rest);
  for (const type in dropped) {
    head.dropped = dropped;
    counts[type] = (counts[type] || 0) + dropped[type]!;
  }
  if (!parts[0] && !head.dropped) return undefined;
  dropped = {};
  return {
    _body: JSON.stringify(head).slice(0, -1) + ',"entries":[' + parts.join() + ']}',
    _counts: counts,
  };
}

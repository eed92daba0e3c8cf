/** What waits to be sent: bounded, the cheapest dropped first and counted, packed into batches. */
import type { Entry } from './api.ts';
import { compact } from './compact.ts';
import { options, timeline } from './core.ts';
import { uuid } from './ids.ts';
import { currentView, viewAt, type View } from './pageviews.ts';
import { schedule } from './send.ts';

export interface Item {
  _entry: Entry | PerformanceEntry;
  _view: View;
  _rank: number;
  /** `''` where it is not to be sent. */
  _json?: string;
}

export interface Batch {
  _body: string;
  /** How many entries of each type are lost if it is. */
  _counts: Record<string, number>;
}

export const QUEUE_LIMIT = 3e3;
/** Bytes of entries in a batch; with the longest head that makes 50 kB. */
export const BATCH_LIMIT = 4e4;

export let queue: Item[] = [];
let dropped: Record<string, number> = {};

const encoder = new TextEncoder();

const tally = (counts: Record<string, number>, entryType: string, count = 1): unknown =>
  (counts[entryType] = (counts[entryType] || 0) + count);

/** Counts what is lost, for the next batch to tell. */
export function drop(counts: Record<string, number>): void {
  for (const type in counts) tally(dropped, type, counts[type]);
}

/** How dear an entry is: what only we saw, then API calls and vitals, then assets, then the rest. */
export function rank(entry: { entryType: string; initiatorType?: unknown }): number {
  const key = entry.entryType + ':' + entry.initiatorType;
  return /^(pag|nav|cap|err|act)/.test(key)
    ? 3
    : /^(pai|lar|lay|fir|req)|:(fet|xml)/.test(key)
      ? 2
      : +/^res/.test(key);
}

export const sortByRank = (): unknown => queue.sort((a, b) => b._rank - a._rank);

export function clearQueue(): void {
  queue = [];
}

/** Takes an entry into the queue, with the pageview in which it started. */
export function add(entry: Entry | PerformanceEntry): Item | undefined {
  const view = viewAt(entry.startTime);
  if (!options) return;
  const item = { _entry: entry, _view: view, _rank: rank(entry) };
  queue.push(item);
  if (queue.length > QUEUE_LIMIT) {
    sortByRank();
    // A tenth at once, so that a storm is not sorted entry by entry.
    for (const { _entry } of queue.splice(-QUEUE_LIMIT / 10)) tally(dropped, _entry.entryType);
  }
  schedule();
  return item;
}

function serialise(raw: object): string {
  try {
    // Entries of our own have no defaults to leave out.
    let entry = compact(raw, !('toJSON' in raw)) as ReturnType<typeof beforeSend & {}>;
    const { beforeSend } = options;
    if (beforeSend) entry = beforeSend(entry as Entry);
    return (entry && JSON.stringify(entry)) || '';
  } catch {
    // A hook that throws must not let through what it was there to hold back.
    return '';
  }
}

/** Takes the next batch off the queue: entries of one pageview, about `limit` bytes of them. */
export function build(client: object, limit = BATCH_LIMIT): Batch | undefined {
  const { _id, _session, _entry: page } = queue[0]?._view || currentView();
  // Titles come late; what a pageview that is over was called, it stays.
  if (page == currentView()._entry) page.title = document.title.slice(0, 2e3);
  const counts: Record<string, number> = {};
  const parts: string[] = [];
  let size = 0;
  queue = queue.filter((item) => {
    if (size > limit || item._view._id != _id) return true;
    const type = item._entry.entryType;
    const json = (item._json ??= serialise(item._entry));
    const { length } = encoder.encode(json);
    if (length && length < BATCH_LIMIT) {
      size += length;
      if (size > limit && parts[0]) return true;
      parts.push(json);
      tally(counts, type);
    } else tally(dropped, type);
    return false;
  });
  const lost = dropped;
  dropped = counts;
  drop(lost);
  dropped = {};
  if (!Object.keys(counts)[0]) return;
  return {
    _counts: counts,
    _body:
      JSON.stringify({
        sessionId: _session,
        pageViewId: _id,
        batchId: uuid(Date.now()),
        timeOrigin: performance.timeOrigin,
        sentAt: Date.now(),
        page: compact({
          url: page.name,
          title: page.title,
          referrer: page.referrer,
          navigationType: (timeline('navigation')[0] as PerformanceNavigationTiming | undefined)?.type,
        }),
        client,
        dropped: lost,
      }).slice(0, -1) + `,"entries":[${parts}]}`,
  };
}

/** What waits to be sent: bounded, the cheapest dropped first and counted, packed into batches. */
import type { Entry } from './api.ts';
import { fields, plain, shorten } from './compact.ts';
import { options, safe, timeline } from './core.ts';
import { uuid } from './ids.ts';
import { currentView, identify, viewAt, type View } from './pageviews.ts';
import { schedule } from './send.ts';
import { wants } from './types.ts';

export interface Item {
  _entry: Entry | PerformanceEntry;
  _view: View;
  _rank: number;
  /** Too short for an entry where it is not to be sent. */
  _json?: string | false | undefined;
}

export let queue: Item[] = [];
let dropped: Record<string, number> = {};

const lose = (type: string, count = 1): unknown => (dropped[type] = (dropped[type] || 0) + count);

/** Counts what a batch held that nobody will take, for the next one to tell. */
export const drop = (batch: string): void => {
  const lost = JSON.parse(batch) as { entries: Entry[]; dropped: typeof dropped };
  for (const type in lost.dropped) lose(type, lost.dropped[type]);
  for (const { entryType = 'resource' } of lost.entries) lose(entryType);
};

export const sortByRank = (): unknown => queue.sort((a, b) => b._rank - a._rank);

/** What is sent of an entry; nothing where a hook throws that was there to hold something back. */
const serialise = safe((entry: object): string => {
  const told = plain(entry) as Entry;
  return JSON.stringify(options.beforeSend ? options.beforeSend(told) : told);
});

/** Takes an entry that the table asks for into the queue, with the pageview in which it started. */
export const add = (entry: Entry | PerformanceEntry): Item | undefined => {
  const { entryType, initiatorType } = entry as PerformanceResourceTiming;
  const kind = entryType + ':' + initiatorType + ':';
  // The dearest is what only we saw, then API calls and vitals, then assets, then the rest; behind
  // them all is what nobody asked for.
  const _rank = (options._ranks[kind] ??= wants(kind)
    ? [/^res/, /^(pa|la|fi|req)|:(fe|xm)/, /^(pag|nav|ca|er|ac)/].findLastIndex((dear) =>
        dear.test(kind),
      )
    : -2);
  if (_rank < -1) return;
  const item = {
    _entry: entry,
    _view: viewAt(entry.startTime),
    _rank,
    // Properties are told now, as the page may change them. The rest has time: an action or an error
    // may be repeated, and when a prerendered page was activated its navigation learns late.
    _json: entryType == 'capture' && serialise(entry),
  };
  if (queue.push(item) > 3e3) {
    sortByRank();
    // A tenth at once, so that a storm is not sorted entry by entry.
    for (const { _entry } of queue.splice(-300)) lose(_entry.entryType);
  }
  schedule();
  return item;
};

/**
 * Takes the next batch off the queue: entries of one pageview, `limit` bytes with the head or one
 * entry. What is longer than 30 kB by itself, which the longest head makes 50 kB, is lost.
 */
export const build = (limit = 5e4): string | undefined => {
  const _view = queue[0]?._view;
  if (!_view || !identify(_view)) return;
  // Titles come late; what a pageview that is over was called, it stays.
  if (_view == currentView()) _view._title = shorten(document.title);
  const url = shorten(_view._entry.name);
  const referrer = shorten(_view._entry.referrer as string);
  const parts: string[] = [];
  // The head: three bytes at most for each character of a page, and what does not differ so much.
  let size = (url + referrer + _view._title).length * 3 + 2e3;
  queue = queue.filter((item) => {
    if ((size > limit && parts[0]) || item._view != _view) return true;
    const json = (item._json ||= serialise(item._entry) || '');
    // Length in UTF-8, at most: three bytes for what is not ASCII.
    const length = json.replace(/[^\0-\x7f]/g, '___').length;
    if (length > 5 && length < 3e4) {
      size += length;
      if (size > limit && parts[0]) return true;
      parts.push(json);
    } else lose(item._entry.entryType);
    return false;
  });
  if (!parts[0]) return build(limit);
  const { connection: { rtt, effectiveType } = {}, deviceMemory } = navigator as Navigator & {
    deviceMemory?: number;
    connection?: { effectiveType?: string; rtt?: number };
  };
  const body =
    JSON.stringify({
      sessionId: _view._session,
      pageViewId: _view._id,
      batchId: uuid(),
      timeOrigin: performance.timeOrigin,
      sentAt: Date.now(),
      fields,
      page: {
        url,
        title: _view._title,
        referrer,
        navigationType: (timeline('navigation')[0] as PerformanceNavigationTiming | undefined)?.type,
      },
      client: {
        sdk: 'perftui/' + VERSION,
        viewport: [innerWidth, innerHeight],
        connection: { rtt, effectiveType },
        deviceMemory,
      },
      dropped,
    }).slice(0, -1) + `,"entries":[${parts}]}`;
  dropped = {};
  return body;
};

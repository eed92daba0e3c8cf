/** What the browser does not put in PerformanceEntries: actions, errors, visibility. */
import type { Entry } from './api.ts';
import { shorten } from './compact.ts';
import { listen, now, timeline } from './core.ts';
import { touch } from './pageviews.ts';
import { add, queue, type Item } from './queue.ts';
import { selector } from './selector.ts';
import { leave } from './send.ts';

let last: Item | undefined;

/** Records an entry, or counts it with the one before where that is the same and still waits. */
const count = (entry: Entry): void => {
  const before = last?._entry as Entry;
  if (
    queue.includes(last!) &&
    before.name == entry.name &&
    before.selector == entry.selector &&
    before.message == entry.message
  ) {
    before.count = ((before.count as number) ?? 1) + 1;
    // It may have been made ready for a batch that then was full.
    last!._json = '';
  } else last = add(entry);
};

export const watchHappenings = (): void => {
  listen('click submit keydown scroll', ({ type, timeStamp, target }: Event) => {
    touch(true);
    if (type != 'scroll') {
      count({ name: type, entryType: 'action', startTime: timeStamp, selector: selector(target) });
    }
  });
  listen(
    'error unhandledrejection',
    ({ type, target, error, reason, message, filename, lineno, colno }: ErrorEvent & PromiseRejectionEvent) => {
      // The element of a resource that failed, or what was thrown: an Error, or anything else.
      const { localName, src, href } = target as HTMLImageElement & HTMLLinkElement;
      const thrown = localName || error || reason || message;
      count({
        name: shorten(thrown?.name || 'Error'),
        entryType: 'error',
        startTime: now(),
        kind: localName ? 'resource' : type,
        message: shorten(thrown?.message ?? thrown),
        stack: thrown?.stack && shorten(thrown.stack),
        source: localName ? src || href : filename && [filename, lineno, colno].join(':'),
      });
    },
  );
  const visibility = ({ name, startTime }: { name: string; startTime: number }): unknown =>
    add({ name, entryType: 'visibility', startTime });
  timeline('visibility-state').forEach(visibility);
  listen('visibilitychange', ({ timeStamp: startTime }: Event) => {
    visibility({ name: document.visibilityState, startTime });
    if (document.hidden) leave();
  });
};

/** What the browser does not put in PerformanceEntries: actions, errors, visibility. */
import type { Entry } from './api.ts';
import { listen, now, options, timeline } from './core.ts';
import { drain } from './observe.ts';
import { touch } from './pageviews.ts';
import { add, queue, type Item } from './queue.ts';
import { selector } from './selector.ts';
import { leave } from './send.ts';
import { wants } from './types.ts';

/** Records an entry of our own, if the table asks for its type. */
export const record = (entry: Entry): Item | undefined =>
  wants(options.types, entry.entryType) ? add(entry) : undefined;

let last: Item | undefined;

/** Records an entry, or counts it with the one before where that is the same and still waits. */
function count(entry: Entry): void {
  const before = last?._entry as Entry;
  if (
    queue.includes(last!) &&
    ['name', 'selector', 'message'].every((key) => before[key] == entry[key])
  ) {
    before.count = ((before.count as number) || 1) + 1;
    before.duration = entry.startTime - before.startTime;
  } else last = record(entry);
}

/** Records what was thrown: an Error, or anything else. */
function fault(kind: string, error: Partial<Error> | undefined, source?: string): void {
  count({
    name: error?.name || 'Error',
    entryType: 'error',
    startTime: now(),
    kind,
    message: ('' + (error?.message ?? error)).slice(0, 1e3),
    stack: error?.stack?.slice(0, 4e3),
    source,
  });
}

export function watchHappenings(): void {
  listen(
    'click submit keydown scroll',
    ({ type, timeStamp, target }: Event) => {
      touch(true);
      if (type != 'scroll') {
        count({
          name: type,
          entryType: 'action',
          startTime: timeStamp,
          selector: selector(target),
        });
      }
    },
  );
  listen('error', ({ target, error, message, filename, lineno, colno }: ErrorEvent) => {
    const { localName, src, href } = target as HTMLImageElement & HTMLLinkElement;
    if (localName) fault('resource', { message: localName }, src || href);
    else fault('error', error || message, [filename, lineno, colno].join(':'));
  });
  listen('unhandledrejection', (event: PromiseRejectionEvent) =>
    fault('unhandledrejection', event.reason),
  );
  const visibility = (startTime: number, name: string): unknown =>
    record({ name, entryType: 'visibility', startTime });
  for (const { startTime, name } of timeline('visibility-state')) visibility(startTime, name);
  listen('visibilitychange', (event: Event) => {
    visibility(event.timeStamp, document.visibilityState);
    drain();
    if (document.hidden) leave();
  });
}

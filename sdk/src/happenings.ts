/** What the browser does not put in PerformanceEntries: actions, errors, visibility. */
import type { Entry } from './api.ts';
import { core, listen, now } from './core.ts';
import { add, queue } from './queue.ts';
import { selector } from './selector.ts';
import { schedule } from './send.ts';
import { wantsType } from './types.ts';

let last: Entry | undefined;

/** Records an entry of our own, unless the table leaves its type out. */
export function record(entry: Entry): void {
  if (!wantsType(core._options.types, entry.entryType)) return;
  add(entry);
  schedule();
}

/** Records an entry, or counts it with the one before where that is the same and still waits. */
function count(entry: Entry): void {
  const { name, selector, message } = entry;
  if (
    last &&
    last.name == name &&
    last.selector == selector &&
    last.message == message &&
    queue.some((item) => item._entry == last)
  ) {
    last.count = ((last.count as number) || 1) + 1;
    last.duration = entry.startTime - last.startTime;
  } else record((last = entry));
}

function fault(kind: string, error: unknown, fallback: Partial<Entry>): void {
  const { name, message, stack } = (error || {}) as Partial<Error>;
  count({
    name: name || 'Error',
    entryType: 'error',
    startTime: now(),
    kind,
    message: String(message ?? error ?? '').slice(0, 1e3),
    stack: stack?.slice(0, 4e3),
    ...fallback,
  });
}

export function watchHappenings(): void {
  listen(document, 'click submit keydown', (event: Event) =>
    count({
      name: event.type,
      entryType: 'action',
      startTime: event.timeStamp,
      selector: selector(event.target),
    }),
  );
  listen(window, 'error', (event: ErrorEvent) => {
    const target = event.target as (Element & { src?: string; href?: string }) | Window;
    if (target == window) {
      fault('error', event.error || event.message, {
        source: event.filename && `${event.filename}:${event.lineno}:${event.colno}`,
      });
    } else {
      const { localName, src, href } = target as Element & { src?: string; href?: string };
      fault('resource', localName + ' did not load', { source: src || href });
    }
  });
  listen(window, 'unhandledrejection', (event: PromiseRejectionEvent) =>
    fault('unhandledrejection', event.reason, {}),
  );
  const visibility = (startTime: number, name: string): void =>
    record({ name, entryType: 'visibility', startTime });
  for (const entry of performance.getEntriesByType('visibility-state')) {
    visibility(entry.startTime, entry.name);
  }
  listen(document, 'visibilitychange', (event) =>
    visibility(event.timeStamp, document.visibilityState),
  );
}

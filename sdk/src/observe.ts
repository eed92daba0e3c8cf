/** The PerformanceObserver, and what the browser has not delivered. */
import type { Entry } from './api.ts';
import { options, own, safe, timeline } from './core.ts';
import { add, waiting } from './queue.ts';
import { know, known } from './selector.ts';
import { FULL, schedule, whenIdle } from './send.ts';
import { wants } from './types.ts';

let observer: PerformanceObserver;
let observed: string;

/** The fields of all kinds of entries that matter here. */
type AnyEntry = (PerformanceEntry | Entry) & {
  hadRecentInput?: boolean;
  loadEventEnd?: number;
};

/** Keeps entries for later; one may come from an observer and from the timeline. */
const hear = (entries: PerformanceEntry[]): void => {
  for (const entry of entries) {
    if (!known.has(entry)) {
      know(entry as never);
      waiting.push(entry);
    }
  }
};

/** Observes what the table asks for, also where it asks for something else than before. */
export const observe = (): void => {
  const types = PerformanceObserver.supportedEntryTypes.filter((type) => wants(type + ':'));
  if (observed! != (observed = '' + types)) {
    if (observer) {
      drain();
      observer.disconnect();
    }
    observer = new PerformanceObserver(
      safe((list: PerformanceObserverEntryList) => {
        const { length } = waiting;
        // Where nothing is recorded any more, this throws, and nothing is kept.
        schedule();
        hear(list.getEntries());
        // With every so many entries; but a page that loads has better things to do.
        if ((length / FULL) ^ (waiting.length / FULL) && document.readyState == 'complete') {
          whenIdle(FULL);
        }
      }),
    );
    types.forEach((type) =>
      // Observers hear of every resource, however full the page's own timeline is.
      observer.observe({
        type,
        buffered: true,
        durationThreshold: options.durationThreshold ?? 40,
      } as PerformanceObserverInit),
    );
  }
};

/** Takes what the browser has but has not delivered; `final` with what could still change. */
export const drain = (final?: unknown): void => {
  hear(observer.takeRecords());
  if (final) hear([...timeline('navigation'), ...timeline('resource')]);
  for (const entry of waiting.splice(0) as AnyEntry[]) {
    // A navigation is told before it is complete.
    if (entry.loadEventEnd == 0 && !final) waiting.push(entry);
    // A shift that the user caused is no part of CLS.
    else if (!entry.hadRecentInput && !own(entry.name)) add(entry);
  }
};

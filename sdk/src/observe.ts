/** The PerformanceObservers, and what the browser has not delivered. */
import { options, own, timeline } from './core.ts';
import { add } from './queue.ts';
import { know, known } from './selector.ts';
import { FULL, pump, schedule, whenIdle } from './send.ts';
import { wants } from './types.ts';

/** Entry type -> its observer. */
const observers: Record<string, PerformanceObserver> = {};
/** What came, unread: there are hundreds, each at a time when the page has other things to do. */
const lists: PerformanceObserverEntryList[] = [];
/** The timer after which somebody looks whether there is a batch. */
let soon: unknown;

/** The fields of all kinds of entries that matter here. */
type AnyEntry = PerformanceEntry & {
  hadRecentInput?: boolean;
  loadEventEnd?: number;
};

/** Takes entries; one may come from an observer and from the timeline. */
const hear = (entries: AnyEntry[], final?: unknown): void => {
  for (const entry of entries) {
    // A navigation is told before it is complete.
    if (!known.has(entry) && (final || entry.loadEventEnd != 0)) {
      know(entry as never);
      // A shift that the user caused is no part of CLS.
      entry.hadRecentInput || own(entry.name) || add(entry);
    }
  }
};

/** Observes what the table asks for, also where it asks for something else than before. */
export const observe = (): void => {
  for (const type of PerformanceObserver.supportedEntryTypes) {
    if (!wants(type + ':')) observers[type]?.disconnect();
    else if (!observers[type]) {
      // What tells of an element, which may be gone a moment later, is heard at once:
      // `element`, `event`, `first-input`, `largest-contentful-paint`, `layout-shift`.
      (observers[type] = new PerformanceObserver((list) => {
        if (options) {
          if (type < 'lo') hear(list.getEntries());
          // To ask the document costs ten times what the rest does, so only the first, and each eighth
          // after it, does that.
          if (lists.push(list) % 8 == 1) {
            schedule();
            // So many are unread at most: of the queue, what is too much is counted. The timers of a
            // hidden page may be a minute late.
            if (lists[500] || document.hidden) pump(FULL);
            // A page that loads (`interactive`, `loading`; then it is `complete`) has better things to do.
            else if (document.readyState < 'd') soon ||= setTimeout(whenIdle, 400, FULL);
          }
        }
      })).observe({
        // Observers hear of every resource, however full the page's own timeline is.
        type,
        buffered: true,
        durationThreshold: options.durationThreshold ?? 40,
      } as PerformanceObserverInit);
    }
  }
};

/** Takes what the browser has but has not delivered; `final` with what could still change. */
export const drain = (final?: unknown): void => {
  soon = clearTimeout(soon as never);
  lists.splice(0).forEach((list) => hear(list.getEntries()));
  Object.values(observers).forEach((observer) => hear(observer.takeRecords()));
  hear(timeline('navigation'), final);
  if (final) hear(timeline('resource'));
};

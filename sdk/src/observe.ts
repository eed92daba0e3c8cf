/** One PerformanceObserver per entry type, and what the browser has not delivered. */
import { options, own, safe, timeline } from './core.ts';
import { add, waiting } from './queue.ts';
import { schedule } from './send.ts';
import { wants } from './types.ts';

const observers: Record<string, PerformanceObserver> = {};
/** An entry may come from an observer and from the timeline. */
const seen = new WeakSet<PerformanceEntry>();

/** The fields of all kinds of entries that matter here. */
type AnyEntry = PerformanceEntry & {
  hadRecentInput?: boolean;
  loadEventEnd?: number;
};

const take = (entries: AnyEntry[], final?: unknown): void =>
  entries.forEach((entry) => {
    if (
      !seen.has(entry) &&
      // A navigation is buffered before it is complete, and delivered again when it is.
      (final || entry.loadEventEnd != 0) &&
      // A shift that the user caused is no part of CLS.
      !entry.hadRecentInput &&
      !own(entry.name)
    ) {
      seen.add(entry);
      add(entry);
    }
  });

/** Starts the observers that the table asks for; one that it no longer asks for ends itself. */
export const observe = (): void =>
  PerformanceObserver.supportedEntryTypes.forEach((type) => {
    // Observers hear of every resource, however full the page's own timeline is.
    if (!observers[type] && wants(type + ':')) {
      (observers[type] = new PerformanceObserver(
        safe((list: PerformanceObserverEntryList, observer: PerformanceObserver) => {
          if (!wants(type + ':')) observer.disconnect();
          else if (!/^(nav|res)/.test(type)) take(list.getEntries());
          else if (waiting.push(...list.getEntries()) > 200) drain();
          schedule();
        }),
      )).observe({
        type,
        buffered: true,
        durationThreshold: options.durationThreshold ?? 40,
      } as PerformanceObserverInit);
    }
  });

/** Takes what the browser has but has not delivered; `final` with what could still change. */
export const drain = (final?: unknown): void => {
  take(waiting.splice(0));
  for (const type in observers) {
    take(observers[type]!.takeRecords());
    if (final && /^(nav|res)/.test(type)) take(timeline(type), final);
  }
};

/** One PerformanceObserver per entry type, and what their toJSON leaves out. */
import type { Entry } from './api.ts';
import { compact } from './compact.ts';
import { listen, options, own, safe, timeline } from './core.ts';
import { add } from './queue.ts';
import { wants } from './types.ts';

const observers: Record<string, PerformanceObserver> = {};
/** An entry may come from an observer and from the timeline. */
const seen = new WeakSet<PerformanceEntry>();

/** The fields of all kinds of entries that matter here. */
type AnyEntry = PerformanceEntry & {
  initiatorType?: string;
  hadRecentInput?: boolean;
  loadEventEnd?: number;
};

function take(entries: AnyEntry[], final?: boolean): void {
  for (const entry of entries) {
    if (
      !seen.has(entry) &&
      // A navigation is buffered before it is complete, and delivered again when it is.
      (final || entry.loadEventEnd != 0) &&
      // A shift that the user caused is no part of CLS.
      !entry.hadRecentInput &&
      wants(options.types, entry.entryType, entry.initiatorType) &&
      !own(entry.name)
    ) {
      seen.add(entry);
      // An element may be gone by the time of the batch, so it is told now.
      add(entry.entryType == 'resource' ? entry : (compact(entry) as Entry));
    }
  }
}

/** Starts the observers that the table asks for; one that it no longer asks for ends itself. */
export function observe(): void {
  for (const type of PerformanceObserver.supportedEntryTypes) {
    // The `visibility` entries of our own tell of it sooner.
    if (!observers[type] && type != 'visibility-state' && wants(options.types, type)) {
      (observers[type] = new PerformanceObserver(
        safe((list: PerformanceObserverEntryList, observer: PerformanceObserver) =>
          options && wants(options.types, type) ? take(list.getEntries()) : observer.disconnect(),
        ),
      )).observe({
        type,
        buffered: true,
        durationThreshold: options.durationThreshold ?? 40,
      } as PerformanceObserverInit);
    }
  }
}

/** Takes what the browser has but has not delivered; `final` with what could still change. */
export function drain(final?: boolean): void {
  for (const type in observers) {
    take(observers[type]!.takeRecords());
    if (final && /^(nav|res)/.test(type)) take(timeline(type), final);
  }
}

/** Keeps the page's own timeline whole, however many resources there are. */
export const watchBuffer = (): void =>
  listen(
    'resourcetimingbufferfull',
    () => performance.setResourceTimingBufferSize(timeline('resource').length * 2),
    performance,
  );

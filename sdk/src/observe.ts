/** One PerformanceObserver per entry type, and what their toJSON leaves out. */
import { core, listen, safe } from './core.ts';
import { add } from './queue.ts';
import { selector } from './selector.ts';
import { schedule } from './send.ts';
import { wantsInitiator, wantsType } from './types.ts';

/** Recorded from events of our own, which tell more. */
const REPLACED = 'visibility-state';

const observers: Record<string, PerformanceObserver> = {};
/** An entry may come from an observer and from the timeline. */
const seen = new WeakSet<PerformanceEntry>();

/** Is this one of our own requests? They never appear in the log. */
export const own = (url: string): boolean => core._own.includes(url.split('?')[0]!);

interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}
const rect = ({ x, y, width, height }: Rect): Rect => ({ x, y, width, height });

/** What only the live entry knows: which element it is about. */
function extra(entry: PerformanceEntry): Record<string, unknown> | undefined {
  const { element, target, sources } = entry as PerformanceEntry & {
    element?: Node;
    target?: Node;
    sources?: { node?: Node; previousRect: Rect; currentRect: Rect }[];
  };
  if (sources) {
    return {
      sources: sources.map((source) => ({
        selector: selector(source.node),
        previousRect: rect(source.previousRect),
        currentRect: rect(source.currentRect),
      })),
    };
  }
  const path = selector(element || target);
  return path ? { selector: path } : undefined;
}

function take(entries: PerformanceEntry[]): void {
  const { types } = core._options;
  for (const entry of entries) {
    if (seen.has(entry)) continue;
    seen.add(entry);
    const { initiatorType, hadRecentInput } = entry as PerformanceEntry & {
      initiatorType?: string;
      hadRecentInput?: boolean;
    };
    if (
      // A shift that the user caused is no part of CLS.
      !hadRecentInput &&
      (entry.entryType != 'resource' || (wantsInitiator(types, initiatorType!) && !own(entry.name)))
    ) {
      add(entry, extra(entry));
      schedule();
    }
  }
}

/** Starts and ends observers until they are those that the table asks for. */
export function observe(): void {
  const { types, durationThreshold } = core._options;
  for (const type of PerformanceObserver.supportedEntryTypes || []) {
    if (type == REPLACED) continue;
    const wanted = core._alive && wantsType(types, type);
    if (wanted && !observers[type]) {
      const observer = new PerformanceObserver((list) => safe(take)(list.getEntries()));
      observers[type] = observer;
      observer.observe({
        type,
        buffered: true,
        durationThreshold: durationThreshold ?? 40,
      } as PerformanceObserverInit);
    } else if (!wanted && observers[type]) {
      observers[type].disconnect();
      delete observers[type];
    }
  }
}

/** Takes what the browser has but has not delivered; `final` with what may still change. */
export function drain(final: boolean): void {
  for (const type in observers) take(observers[type]!.takeRecords());
  if (final) {
    for (const type of ['navigation', 'resource']) {
      if (observers[type]) take(performance.getEntriesByType(type));
    }
  }
}

/** The page's own timeline stays whole, however many resources there are. */
export function watchBuffer(): void {
  listen(performance, 'resourcetimingbufferfull', () =>
    performance.setResourceTimingBufferSize(performance.getEntriesByType('resource').length + 500),
  );
}

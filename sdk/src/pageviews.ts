/**
 * Pageviews: a new one on load, on a route change, on restore from the back/forward cache, on
 * `perftui.pageview()` and with a new session. An entry belongs to the pageview in which it started.
 */
import type { Entry } from './api.ts';
import { listen, now, options, safe } from './core.ts';
import { fraction, uuid } from './ids.ts';
import { add } from './queue.ts';
import { stop } from './sdk.ts';
import { session } from './session.ts';

export interface View {
  _id: string;
  _session: string;
  _route: string;
  _entry: Entry;
}

/** The newest pageviews are kept; what started before them all goes to the oldest that is. */
const KEPT = 1e3;
/** Longer URLs and titles are cut in what describes a page. */
const TEXT_LIMIT = 2e3;

export const views: View[] = [];

/** The pageview in whose time `time` (ms since timeOrigin) lies. */
export const viewAt = (time: number): View =>
  views.findLast((view) => view._entry.startTime <= time) || views[0]!;

export const currentView = (): View => views.at(-1)!;

/** The path; a route in the hash (`#/orders`, `#!orders`) counts as part of it. */
export const routeOf = (url: { pathname: string; hash: string }): string =>
  url.pathname + (/^#[!/][^?]*/.exec(url.hash) || '');

export const isSampled = (id: string): boolean => fraction(id) < (options.sampleRate ?? 1);

export function openView(kind: string, startTime: number): Entry | undefined {
  const time = Date.now();
  const id = session(time, true);
  if (!isSampled(id)) return stop();
  const entry: Entry = {
    name: location.href.slice(0, TEXT_LIMIT),
    entryType: 'pageview',
    startTime,
    kind,
    referrer: currentView()?._entry.name ?? document.referrer,
  };
  views.push({ _id: uuid(time), _session: id, _route: routeOf(location), _entry: entry });
  if (views.length > KEPT) views.shift();
  add(entry);
  return entry;
}

/** Renews the session if its time is over; a pageview is of one session, so it ends with it. */
export function touch(active?: boolean): void {
  if (session(Date.now(), active) != currentView()._session) openView('session', now());
}

/** Opens a pageview whenever the path changes, however the page changes it. */
export function watchRoutes(): void {
  const changed = safe(() => {
    if (currentView()._route != routeOf(location)) openView('route', now());
  });
  const { navigation } = window as { navigation?: EventTarget };
  listen('currententrychange popstate hashchange', changed, navigation);
  if (!navigation) {
    for (const method of ['pushState', 'replaceState'] as const) {
      const original = history[method];
      history[method] = function (...args) {
        original.apply(this, args);
        changed();
      };
    }
  }
}

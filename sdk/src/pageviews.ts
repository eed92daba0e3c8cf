/**
 * Pageviews: a new one on load, on a route change, on restore from the back/forward cache, on
 * `perftui.pageview()` and with a new session. An entry belongs to the pageview in which it started.
 */
import type { Entry } from './api.ts';
import { listen, now, options, prerendering, safe } from './core.ts';
import { uuid } from './ids.ts';
import { add } from './queue.ts';
import { stop } from './sdk.ts';
import { session, store } from './session.ts';

export interface View {
  /** These once they were needed: the first look into storage costs a page that loads milliseconds. */
  _id?: string;
  _session?: string;
  _title?: string;
  _route: string;
  _entry: Entry;
}

export const views: View[] = [];

/** The pageview in whose time `time` (ms since timeOrigin) lies. */
export const viewAt = (time: number): View =>
  views.findLast((view, place) => !place || view._entry.startTime <= time)!;

export const currentView = (): View => views.at(-1)!;

/** The path; a route in the hash (`#/orders`, `#!orders`) counts as part of it. */
const route = (): string => location.pathname + /^#[!/][^?]*/.exec(location.hash);

/** All tabs of a session agree on it without a word: the end of its ID decides. */
export const isSampled = (id: string): boolean =>
  (('0x' + id.slice(-8)) as never) < 2 ** 32 * (options.sampleRate ?? 1);

/** The session of a pageview; where it is not to be recorded none, and that is the end of it. */
export const identify = (view: View): string | undefined => {
  if (!view._session) {
    const id = session(true);
    if (store('perftui-opt-out') || !isSampled(id)) stop();
    else {
      view._session = id;
      view._id = uuid();
    }
  }
  return view._session;
};

export const openView = (kind: string, startTime: number): unknown => {
  const entry: Entry = {
    name: location.href,
    entryType: 'pageview',
    startTime,
    kind,
    referrer: currentView()?._entry.name ?? document.referrer,
    // Its paints may not be those that the user saw.
    hidden: document.hidden,
    prerendered: prerendering(),
  };
  views.push({ _route: route(), _entry: entry });
  return add(entry);
};

/** Renews the session if its time is over; a pageview is of one session, so it ends with it. */
export const touch = (active?: boolean): unknown =>
  options &&
  identify(currentView()) &&
  currentView()._session != session(active) &&
  openView('session', now());

/** Opens a pageview whenever the path changes, however the page changes it. */
export const watchRoutes = (): void => {
  const changed = safe(() => {
    if (currentView()._route != route()) openView('route', now());
  });
  // Its class tells whether there is one: an element with that ID would be `window.navigation` too.
  const { navigation, Navigation } = window as { Navigation?: unknown; navigation?: EventTarget };
  listen('currententrychange popstate hashchange', changed, (Navigation && navigation) as EventTarget);
  if (!Navigation) {
    for (const method of ['pushState', 'replaceState'] as const) {
      const original = history[method];
      history[method] = function (...args) {
        original.apply(this, args);
        changed();
      };
    }
  }
};

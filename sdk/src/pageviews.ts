/**
 * Pageviews: a new one on load, on a route change, on restore from the back/forward cache, on
 * `perftui.pageview()` and with a new session. An entry belongs to the pageview in which it started.
 */
import type { Entry } from './api.ts';
import { core, listen, now } from './core.ts';
import { fraction, uuid } from './ids.ts';
import { session } from './session.ts';

export interface View {
  _id: string;
  _session: string;
  /** Milliseconds since timeOrigin; the first pageview takes everything from before it, too. */
  _start: number;
  _url: string;
  _path: string;
  _referrer: string;
  _navigation: string | undefined;
  _sampled: boolean;
  _entry: Entry;
}

/** The newest pageviews; older ones than these share the oldest that is kept. */
const KEPT = 1000;
export const views: View[] = [];

type OnView = (view: View) => void;

/** The pageview in whose time `time` (ms since timeOrigin) lies. */
export function viewAt(time: number): View {
  let index = views.length;
  while (--index > 0 && views[index]!._start > time);
  return views[index]!;
}

export const currentView = (): View => views[views.length - 1]!;

/** A route in the hash (`#/orders`, `#!orders`) counts as part of the path. */
export const routeOf = (url: { pathname: string; hash: string }): string =>
  url.pathname + (/^#[!/][^?]*/.exec(url.hash) || '');

export const sampled = (id: string): boolean => fraction(id) < (core._options.sampleRate ?? 1);

export function openView(
  kind: string,
  start: number,
  onView: OnView,
  navigation?: string | null,
): void {
  const time = Date.now();
  const last = currentView();
  const id = session(time, true);
  const view: View = {
    _id: uuid(time),
    _session: id,
    _start: start,
    _url: location.href,
    _path: routeOf(location),
    _referrer: last && kind != 'bfcache' ? last._url : document.referrer,
    _navigation: navigation || undefined,
    _sampled: sampled(id),
    _entry: { name: location.href, entryType: 'pageview', startTime: start, kind },
  };
  const entry = view._entry;
  entry.title = document.title;
  entry.referrer = view._referrer;
  views.push(view);
  if (views.length > KEPT) views.shift();
  onView(view);
}

/** Renews the session if its time is over; a pageview is of one session, so it ends with it. */
export function touch(active: boolean, onView: OnView): void {
  if (session(Date.now(), active) != currentView()._session) openView('session', now(), onView);
}

/** Opens a pageview whenever the path changes, however the page changes it. */
export function watchRoutes(onView: OnView): void {
  const changed = (navigation?: string | null): void => {
    const last = currentView();
    if (last._path != routeOf(location)) openView('route', now(), onView, navigation);
    else last._url = location.href;
  };
  const navigation = (window as { navigation?: EventTarget }).navigation;
  if (navigation) {
    listen<Event & { navigationType?: string }>(navigation, 'currententrychange', (event) =>
      changed(event.navigationType),
    );
  } else {
    for (const method of ['pushState', 'replaceState'] as const) {
      const original = history[method];
      history[method] = function (...args) {
        original.apply(this, args);
        if (core._alive) changed(method.slice(0, -5));
      };
    }
    listen(window, 'popstate hashchange', () => changed('traverse'));
  }
}

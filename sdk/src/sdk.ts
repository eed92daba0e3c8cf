/** Puts the parts together: starting, stopping, and what a page may call. */
import type { Options, Perftui, Plugin } from './api.ts';
import { SECRETS } from './compact.ts';
import * as core from './core.ts';
import { listen, now, options, own, ownUrls, safe } from './core.ts';
import { watchHappenings } from './happenings.ts';
import { drain, observe } from './observe.ts';
import { currentView, isSampled, openView, touch, views, watchRoutes } from './pageviews.ts';
import { add, queue } from './queue.ts';
import { leave, pump } from './send.ts';
import { store } from './session.ts';

/** What the page asks for; what the server asks for goes over it. */
let given: Options;
/** Loads the second file, once; users of the module load it themselves. */
let loadDetail: (() => undefined) | undefined;

/** Ends recording on this page. */
export const stop = (): undefined => {
  core.configure();
  queue.length = 0;
};

const settle = (wanted: Options): void => {
  const { href } = new URL(wanted.endpoint || '/batch', location.href);
  core.configure({
    ...wanted,
    endpoint: href,
    types: `${wanted.types || '*'}${/^(true)?$/.test(wanted.detail as never) ? ',console,request-detail' : ''}`.split(
      /[\s,]+/,
    ),
    redact: [SECRETS]
      .concat(wanted.redact || [])
      .map((pattern) => RegExp(pattern, 'g' + (pattern.flags || '').replace('g', ''))),
  });
};

/** Does what the settings say, at the start and when the server's come. */
const apply = (): void => {
  observe();
  if (/cons|req/.test(options.types as never)) loadDetail = loadDetail?.();
};

/** What the server wants gathered. It may come late or never; nothing waits for it. */
const ask = async (): Promise<void> => {
  const url = new URL('config', options.endpoint).href;
  ownUrls.push(url);
  const wanted = await (await fetch(url)).json();
  if (!options) return;
  settle({ ...given, ...wanted });
  if (options.enabled === false || !isSampled(currentView()._session)) stop();
  else apply();
};

const start = (): void => {
  // Where that is not in the sample, the next line throws, and that is the end of it.
  openView('load', 0);
  apply();
  // Keeps the page's own timeline whole: by default it ends at 250 resources.
  performance.setResourceTimingBufferSize(1e4);
  watchHappenings();
  watchRoutes();
  listen('pagehide', () => {
    drain(true);
    leave(true);
  });
  listen('pageshow', ({ persisted, timeStamp }: PageTransitionEvent) => {
    if (persisted) {
      openView('bfcache', timeStamp);
      // The paint of a restored page, as web-vitals takes it: after two frames.
      requestAnimationFrame(() =>
        requestAnimationFrame(() =>
          safe(add)({ name: 'first-contentful-paint', entryType: 'paint', startTime: now() }),
        ),
      );
    }
  });
  listen('online', pump);
  // A server without settings, or none at all: ours stand.
  if (!/false/.test(options.config as never)) ask().catch(() => {});
};

export const api: Perftui = {
  capture: safe((name: string, properties?: Record<string, unknown>) => {
    touch(true);
    add({ name: '' + name, entryType: 'capture', startTime: now(), properties });
  }),
  pageview: safe(() => openView('manual', now())),
  flush: safe(() => {
    drain();
    void pump();
  }),
  optOut: safe(() => {
    store('perftui-opt-out', '1');
    stop();
  }),
  optIn: safe(() => store('perftui-opt-out', '')),
  use: safe((plugin: Plugin) => {
    plugin({ add: safe(add), own, options });
  }),
  get sessionId() {
    return currentView()?._session;
  },
  get pageViewId() {
    return currentView()?._id;
  },
};

/** Starts recording with options, or with the attributes of a script tag; once. */
export const begin = safe((wanted: Options, ownUrl?: string, load?: () => undefined) => {
  const { doNotTrack, globalPrivacyControl } = navigator as Navigator & {
    globalPrivacyControl?: boolean;
  };
  if (
    views[0] ||
    // Where there is none, this throws, and that is the end of it.
    !PerformanceObserver.supportedEntryTypes ||
    store('perftui-opt-out') ||
    (!/false/.test(wanted.privacySignals as never) && (doNotTrack == '1' || globalPrivacyControl))
  ) {
    return;
  }
  settle((given = wanted));
  ownUrls.push(options.endpoint.split('?')[0], ownUrl);
  loadDetail = load;
  start();
});

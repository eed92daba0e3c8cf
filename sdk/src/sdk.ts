/** Puts the parts together: starting, stopping, and what a page may call. */
import type { Options, Perftui, Plugin } from './api.ts';
import { SECRETS } from './compact.ts';
import * as core from './core.ts';
import { listen, now, options, own, ownUrls, safe } from './core.ts';
import { watchHappenings } from './happenings.ts';
import { observe } from './observe.ts';
import { currentView, identify, isSampled, openView, touch, views, watchRoutes } from './pageviews.ts';
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

const settle = (wanted: Options): void =>
  core.configure({
    ...wanted,
    endpoint: new URL(wanted.endpoint || '/batch', location as never).href,
    types: `${wanted.types || '*'}${/^(true)?$/.test(wanted.detail as never) ? ',console,request-detail' : ''}`.split(
      /[\s,]+/,
    ),
    // Of an expression that is a string, case does not matter.
    redact: [SECRETS as string | RegExp].concat(wanted.redact || []).map((pattern) =>
      RegExp(pattern, 'g' + ((pattern as RegExp).flags ?? 'i').replace('g', '')),
    ),
    _ranks: {},
  });

/** Does what the settings say, at the start and when the server's come. */
const apply = (): void => {
  observe();
  // A page may forbid it (Trusted Types); there may be nothing to load.
  if (/con|req/.test(options.types as never)) loadDetail = safe(loadDetail!)();
};

/** What the server wants gathered. It may come late or never; nothing waits for it. */
const ask = safe(async () => {
  // A server that asks for a key asks for it here too.
  const url = options.endpoint.replace(/[^/?]*(\?|$)/, 'config$1');
  ownUrls.push(url);
  // A server without settings, or none at all: ours stand.
  const wanted = await (await fetch(url)).json();
  if (!options) return;
  settle({ ...given, ...wanted });
  if (/false/.test(options.enabled as never) || !isSampled(identify(currentView())!)) stop();
  else apply();
});

const start = (): void => {
  openView('load', 0);
  apply();
  watchHappenings();
  listen('pagehide', leave);
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
  listen('online', () => pump());
  if (!/false/.test(options.config as never)) {
    // When a page has mostly loaded, but before the first batch.
    setTimeout(ask, (options.flushInterval ?? 2e3) * 0.8);
  }
  // Last, as a page may have frozen its history.
  watchRoutes();
};

export const api: Perftui = {
  capture: safe((name: string, properties?: Record<string, unknown>) => {
    touch(true);
    add({ name, entryType: 'capture', startTime: now(), properties });
  }),
  pageview: safe(() => openView('manual', now())),
  flush: pump as () => void,
  optOut: safe(() => {
    store('perftui-opt-out', '1');
    stop();
  }),
  optIn: safe(() => store('perftui-opt-out', '')),
  use: safe((plugin: Plugin) => {
    plugin({ add: safe(add), own, options });
  }),
  get sessionId() {
    // None while nothing is recorded, also where the page has asked for it before.
    return options && safe(identify)(currentView());
  },
  get pageViewId() {
    return api.sessionId && currentView()._id;
  },
};

/** Starts recording with options, or with the attributes of a script tag; once. */
export const begin = safe((wanted: Options, load?: () => undefined) => {
  const { doNotTrack, globalPrivacyControl } = navigator as Navigator & {
    globalPrivacyControl?: boolean;
  };
  if (
    views[0] ||
    // Where there is none, this throws, and that is the end of it.
    !PerformanceObserver.supportedEntryTypes ||
    (!/false/.test(wanted.privacySignals as never) && ((doNotTrack as never) > 0 || globalPrivacyControl))
  ) {
    return;
  }
  settle((given = wanted));
  ownUrls.push(options.endpoint);
  loadDetail = load;
  start();
});

/** Puts the parts together: starting, stopping, and what a page may call. */
import type { Options, Perftui, Plugin } from './api.ts';
import { SECRETS } from './compact.ts';
import * as core from './core.ts';
import { listen, now, options, own, ownUrls, prerendering, safe, timeline } from './core.ts';
import { record, watchHappenings } from './happenings.ts';
import { drain, observe, watchBuffer } from './observe.ts';
import { currentView, isSampled, openView, touch, views, watchRoutes } from './pageviews.ts';
import { add } from './queue.ts';
import { clear, leave, pump } from './send.ts';
import { store } from './session.ts';

const OPT_OUT = 'perftui-opt-out';

/** Ends recording on this page. */
export function stop(): undefined {
  core.configure();
  clear();
}

/** Loads the second file, once; users of the module load it themselves. */
let loadDetail: (() => undefined) | undefined;

/** Does what the settings say, at the start and when the server's come. */
function apply(): void {
  observe();
  if (/cons|req/.test(options.types as never)) loadDetail = loadDetail?.();
}

/** What the server wants gathered. It may come late or never; nothing waits for it. */
async function ask(): Promise<void> {
  const url = new URL('config', options.endpoint).href;
  ownUrls.push(url);
  const { enabled, sampleRate, types, detail } = (await (await fetch(url)).json()) as {
    enabled?: boolean;
    detail?: boolean;
  } & Options;
  options.sampleRate = sampleRate ?? options.sampleRate!;
  options.types = (types as string[]) || options.types;
  if (detail) options.types.push('console', 'request-detail');
  if (enabled === false || !isSampled(currentView()._session)) stop();
  else apply();
}

function start(): void {
  const entry = openView('load', 0);
  if (!entry) return;
  const navigation = timeline('navigation')[0] as { activationStart?: number } | undefined;
  entry.prerendered = prerendering() || navigation?.activationStart! > 0;
  entry.hidden =
    !entry.prerendered &&
    (timeline('visibility-state')[0]?.name || document.visibilityState) == 'hidden';
  apply();
  watchBuffer();
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
          record({ name: 'first-contentful-paint', entryType: 'paint', startTime: now() }),
        ),
      );
    }
  });
  listen('online', pump);
  // A server without settings, or none at all: ours stand.
  if (!/false/.test(options.config as never)) ask().catch(() => {});
}

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
    store(OPT_OUT, '1');
    stop();
  }),
  optIn: safe(() => store(OPT_OUT, '')),
  use: safe((plugin: Plugin) => {
    plugin({ add: safe(record), own, options });
  }),
  get sessionId() {
    return currentView()?._session;
  },
  get pageViewId() {
    return currentView()?._id;
  },
};

/** Starts recording with options, or with the attributes of a script tag; once. */
export const begin = safe((given: Options, ownUrl?: string, load?: () => undefined) => {
  const { doNotTrack, globalPrivacyControl } = navigator as Navigator & {
    globalPrivacyControl?: boolean;
  };
  if (
    views[0] ||
    // Where there is none, this throws, and that is the end of it.
    !PerformanceObserver.supportedEntryTypes ||
    store(OPT_OUT) ||
    (!/false/.test(given.privacySignals as never) && (doNotTrack == '1' || globalPrivacyControl))
  ) {
    return;
  }
  const endpoint = new URL(given.endpoint || '/batch', location.href).href;
  core.configure({
    ...given,
    endpoint,
    types: `${given.types || '*'}${/^(true|)$/.test(given.detail as never) ? ',console,request-detail' : ''}`.split(
      /[\s,]+/,
    ),
    redact: [SECRETS]
      .concat(given.redact || [])
      .map((pattern) => RegExp(pattern, pattern.flags || 'g')),
  });
  ownUrls.push(endpoint.split('?')[0], ownUrl);
  loadDetail = load;
  start();
});

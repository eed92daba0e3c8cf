/** Puts the parts together: `init()` and what it returns. */
import type { Entry, Options, Perftui, Plugin } from './api.ts';
import { redactor } from './compact.ts';
import { core, listen, now, safe } from './core.ts';
import { record, watchHappenings } from './happenings.ts';
import { drain, observe, own, watchBuffer } from './observe.ts';
import { currentView, openView, sampled, touch, views, watchRoutes, type View } from './pageviews.ts';
import { add } from './queue.ts';
import { address, clearQueue, leave, pump, resume, schedule } from './send.ts';
import { store } from './session.ts';
import { wantsType } from './types.ts';

const OPT_OUT = 'perftui-opt-out';

const onView = (view: View): void => {
  add(view._entry);
  schedule();
};

const touchSession = (active: boolean): void => touch(active, onView);

function stop(): void {
  core._alive = false;
  core._stop.abort();
  observe();
  clearQueue();
}

/** What the server wants gathered. It may come late or never; nothing waits for it. */
async function configure(): Promise<void> {
  const options = core._options;
  const url = options.endpoint.replace(/[^/]*$/, 'config');
  core._own.push(url);
  try {
    const config = (await (await fetch(url, { credentials: 'omit' })).json()) as {
      enabled?: boolean;
      sampleRate?: number;
      types?: string[];
      detail?: boolean;
    };
    if (config.sampleRate != null) options.sampleRate = config.sampleRate;
    if (config.enabled === false || !sampled(currentView()._session)) return stop();
    if (config.types) options.types = config.types;
    if (config.detail) options.types = [...options.types, 'console', 'request-detail'];
    observe();
  } catch {
    // A server without settings, or none at all: ours stand.
  }
}

function start(): void {
  const navigation = performance.getEntriesByType('navigation')[0] as
    | (PerformanceNavigationTiming & { activationStart?: number })
    | undefined;
  const { prerendering } = document as Document & { prerendering?: boolean };
  core._alive = true;
  openView('load', 0, onView, navigation?.type);
  const first = currentView();
  if (!first._sampled) return stop();
  const entry = first._entry;
  if (prerendering || navigation?.activationStart) entry.prerendered = true;
  else {
    const initial = performance.getEntriesByType('visibility-state')[0]?.name;
    if ((initial || document.visibilityState) == 'hidden') entry.hidden = true;
  }
  observe();
  watchBuffer();
  watchHappenings();
  watchRoutes(onView);
  listen(document, 'pointerdown keydown scroll', () => touchSession(true));
  listen(document, 'prerenderingchange', schedule);
  listen(document, 'visibilitychange', () => {
    drain(false);
    if (document.visibilityState == 'hidden') leave(false);
    else touchSession(false);
  });
  listen(window, 'pagehide', () => {
    drain(true);
    leave(true);
  });
  listen(window, 'pageshow', (event: PageTransitionEvent) => {
    if (event.persisted) {
      openView('bfcache', event.timeStamp, onView, 'back-forward-cache');
      // The paints of a restored page, as web-vitals takes them: after two frames.
      requestAnimationFrame(() =>
        requestAnimationFrame(() =>
          record({ name: 'first-contentful-paint', entryType: 'paint', startTime: now() }),
        ),
      );
    }
  });
  listen(window, 'online', resume);
  if (core._options.config != false) void configure();
}

const idOf = (key: '_session' | '_id'): string => (core._alive && views.length ? currentView()[key] : '');

const api: Perftui = {
  capture: safe((name: string, properties?: Record<string, unknown>) => {
    touchSession(true);
    const entry: Entry = { name: String(name), entryType: 'capture', startTime: now() };
    if (properties) entry.properties = properties;
    add(entry);
    schedule();
  }),
  pageview: safe(() => core._alive && openView('manual', now(), onView)),
  flush: safe(() => {
    drain(false);
    void pump();
  }),
  optOut: safe(() => {
    store(OPT_OUT, '1');
    stop();
  }),
  optIn: safe(() => store(OPT_OUT, '')),
  use: safe((plugin: Plugin) => {
    plugin({
      add: safe(record),
      wants: (type) => core._alive && wantsType(core._options.types, type),
      own,
      detail: core._options.detail || {},
    });
  }),
  get sessionId() {
    return idOf('_session');
  },
  get pageViewId() {
    return idOf('_id');
  },
};

/** Starts recording. A second call changes nothing. */
export function init(options: Options = {}): Perftui {
  safe(() => {
    const { doNotTrack, globalPrivacyControl } = navigator as Navigator & {
      globalPrivacyControl?: boolean;
    };
    if (
      views.length ||
      !window.PerformanceObserver ||
      store(OPT_OUT) ||
      (options.respectPrivacySignals != false && (doNotTrack == '1' || globalPrivacyControl))
    ) {
      return;
    }
    const endpoint = new URL(options.endpoint || '/batch', location.href).href;
    core._options = { ...options, endpoint, types: options.types || ['*'] };
    core._redact = redactor(options.redact || []);
    core._own.push(endpoint);
    start();
  })();
  return api;
}

void address;

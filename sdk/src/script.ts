/** The script tag: settings come from its data- attributes, calls queued before it are replayed. */
import type { Options, Perftui } from './api.ts';
import { core, safe } from './core.ts';
import { init } from './sdk.ts';
import { wantsType } from './types.ts';

type Page = Window & { perftui?: Perftui & { q?: [keyof Perftui, ...unknown[]][] } };

safe(() => {
  const script = document.currentScript as HTMLScriptElement;
  const {
    endpoint, types, durationThreshold, sampleRate, flushInterval, redact, privacySignals, config,
    detailHeaders, detailBodyLimit, key,
  } = script.dataset;
  const options: Options = { endpoint: endpoint || new URL('/batch', script.src).href };
  if (types) options.types = types.split(/[\s,]+/);
  if (durationThreshold) options.durationThreshold = +durationThreshold;
  if (sampleRate) options.sampleRate = +sampleRate;
  if (flushInterval) options.flushInterval = +flushInterval;
  if (redact) options.redact = [new RegExp(redact, 'g')];
  if (privacySignals == 'ignore') options.respectPrivacySignals = false;
  if (config == 'off') options.config = false;
  if (key) options.key = key;
  options.detail = {};
  if (detailHeaders) options.detail.headers = detailHeaders.toLowerCase().split(/[\s,]+/);
  if (detailBodyLimit) options.detail.bodyLimit = +detailBodyLimit;
  core._own.push(script.src.split('?')[0]!);
  const page = window as Page;
  const calls = page.perftui?.q;
  const api = (page.perftui = init(options));
  for (const [method, ...args] of calls || []) {
    (api[method] as (...args: unknown[]) => void)(...args);
  }
  void wantsType;
})();

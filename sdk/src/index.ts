/** The ES module: `import { init } from 'perftui'`. */
import type { Options, Perftui } from './api.ts';
import { api, begin } from './sdk.ts';

/** Starts recording. A second call changes nothing. */
export function init(options: Options = {}): Perftui {
  begin(options);
  return api;
}

export type { Entry, Options, Perftui, Plugin, PluginHost } from './api.ts';

/** The ES module: `import { init } from 'perftui'`. */
export { init } from './sdk.ts';
export type { DetailOptions, Entry, Options, Perftui, Plugin, PluginHost } from './api.ts';

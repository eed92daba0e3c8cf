import type { PluginHost } from './perftui.mjs';
/**
 * What only a wrapper sees, for those who ask for it: `request-detail` (method, status text, chosen
 * headers, bodies up to a limit) and `console`. The page's calls behave as before, whatever happens
 * in here.
 */
export default function detail(host: PluginHost): void;

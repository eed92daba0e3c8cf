/** The script tag: settings come from its data- attributes, calls queued before it are replayed. */
import type { Options, Perftui } from './api.ts';
import { ownUrls, safe } from './core.ts';
import { api, begin } from './sdk.ts';

type Call = [keyof Perftui, ...unknown[]];

safe(() => {
  const { src, nonce, dataset } = document.currentScript as HTMLScriptElement;
  const page = window as { perftui?: Perftui & { q?: Call[] } };
  // The page's own tag and one that a proxy put in would record everything twice.
  if (page.perftui?.use) return;
  const calls = page.perftui?.q || [];
  page.perftui = api;
  const detail = new URL('perftui-detail.js', src).href;
  ownUrls.push(src, detail);
  begin({ endpoint: new URL('/batch', src) as never, ...(dataset as Options) }, () => {
    const element = document.createElement('script');
    element.nonce = nonce;
    element.src = detail;
    document.head.append(element);
    return undefined;
  });
  for (const [method, ...args] of calls) (api[method] as (...args: unknown[]) => void)(...args);
})();

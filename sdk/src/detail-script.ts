/** The second file of the script tag: adds the wrappers to the SDK that loaded it. */
import type { Perftui } from './api.ts';
import detail from './detail.ts';

(window as { perftui?: Perftui }).perftui?.use(detail);

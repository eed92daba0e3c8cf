/** What all parts share: the settings, whether anything is recorded, and how the page is listened to. */
import type { Options } from './api.ts';

/** The settings, made ready. Attributes of a script tag are strings where the API takes others. */
export interface Settings extends Omit<Options, 'types'> {
  endpoint: string;
  types: string[];
  /** Kind of entry (`resource:fetch`) -> how dear it is, below -1 where it is not asked for. */
  _ranks: Record<string, number>;
  /** The server's kill switch. */
  enabled?: boolean;
}

/**
 * There while recording, gone with the kill switch, `optOut()` or a lost draw of the sample: what
 * still runs then stumbles over it, inside `safe`, and does nothing.
 */
export let options: Settings;
/** URLs of our own requests. */
export const ownUrls: string[] = [];

export const configure = (settings?: Settings): void => {
  options = settings!;
};

export const now = (): number => performance.now();

export const timeline = (entryType: string): PerformanceEntry[] =>
  performance.getEntriesByType(entryType);

export const prerendering = (): unknown => (document as { prerendering?: boolean }).prerendering;

/** Is this one of our own requests? They never appear in the log. */
export const own = (url: string): boolean => ownUrls.includes(url);

/**
 * `run`, but never throwing, and no promise of its is left to the page to handle: what goes wrong in
 * here is no fault of the page. Two arguments are enough.
 */
export const safe =
  <A, B, R>(run: (a: A, b: B) => R) =>
  // @ts-expect-error Where it failed, nothing is returned.
  (a?: A, b?: B): R | undefined => {
    try {
      const result = run(a!, b!);
      (result as Promise<unknown> | undefined)?.catch?.(safe);
      return result;
    } catch {
      // Nothing can be told to the page, and nothing needs to be.
    }
  };

/** Listens; in the capture phase, so that nobody's stopPropagation hides it. */
export const listen = (
  types: string,
  run: (event: never) => unknown,
  target: EventTarget = window,
): void =>
  types.split(' ').forEach((type) => target.addEventListener(type, safe(run) as never, true));

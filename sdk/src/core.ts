/** What all parts share: the settings, whether anything is recorded, and how the page is listened to. */
import type { Options } from './api.ts';

export interface Settings extends Options {
  endpoint: string;
  types: readonly string[];
}

export const core = {
  _options: {} as Settings,
  /** Recording, until the kill switch, `optOut()` or a lost draw of the sample. */
  _alive: false,
  _redact: (text: string): string => text,
  _stop: new AbortController(),
  /** URLs of our own requests, without their query. */
  _own: [] as string[],
};

export const now = (): number => performance.now();

/** `run`, but never throwing: what goes wrong in here is no fault of the page. */
export const safe =
  <A extends unknown[]>(run: (...args: A) => unknown) =>
  (...args: A): void => {
    try {
      run(...args);
    } catch {
      // Nothing can be told to the page, and nothing needs to be.
    }
  };

/** Listens until recording stops; in the capture phase, so that nobody's stopPropagation hides it. */
export function listen<E extends Event>(
  target: EventTarget,
  types: string,
  run: (event: E) => void,
): void {
  for (const type of types.split(' ')) {
    target.addEventListener(type, safe(run) as (event: Event) => void, {
      capture: true,
      passive: true,
      signal: core._stop.signal,
    });
  }
}

/**
 * Makes an entry small without losing anything: a field that is absent means its default (0, '',
 * false, null, []), and numbers are rounded to a millionth, below the resolution of the browser's
 * clock (5 to 100 µs). What a page wrote itself (`properties`, `detail`, bodies) stays as it is.
 */
import { options } from './core.ts';
import { known } from './selector.ts';

/**
 * Values of query parameters whose names look like secrets, and user info in a URL. What is kept is
 * in the look-behind, so that all patterns are used alike. A string, as a browser that knows no
 * look-behind would refuse the whole script, and the bundle that it is part of.
 */
export const SECRETS =
  '(?<=[?&#;][^=]*(token|secret|passw|auth|key|sig|session|jwt|code)[^=]*=)[^&#;\\s"\']+|(?<=://)[^/?#\\s@]+(?=@)';

export const redact = (text: string): string =>
  options.redact!.reduce((rest, pattern) => rest.replace(pattern, 'REDACTED'), text);

/** Of what describes a page or an error; no text where an element is named like a property of the document. */
export const shorten = (text: string): string => redact('' + text).slice(0, 2e3);

/** What a page wrote itself, as it is; only secrets are taken out. */
export const exact = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) => (typeof part == 'string' ? redact(part) : part));

/**
 * What the browser made, without what equals a default, and with the selector that only a live entry
 * could tell. The object that it gives of itself is ours, so it is changed in place: a copy costs half
 * as much again, and a replacer of `JSON.stringify` that is called for each of forty fields twice.
 */
export const plain = (live: unknown, isOfPage?: boolean): unknown => {
  if ((live as []).map && !isOfPage) return (live as unknown[]).map((part) => plain(part));
  if (isOfPage || !(live as PerformanceEntry).toJSON) return JSON.parse(exact(live));
  const all = (live as PerformanceEntry).toJSON() as Record<string, unknown>;
  // An Object.keys before the loop costs twice as much as all of it.
  for (const key in all) {
    const value = all[key];
    // The page may have given all objects a method.
    if (Object.hasOwn(all, key)) {
      all[key] =
        typeof value == 'number'
          ? Math.round(value * 1e6) / 1e6 || undefined
          : // Loosely equal to '' are false and [].
            (value ?? '') == '' && key != 'name'
            ? undefined
            : typeof value == 'string'
              ? redact(value)
              : plain(value, key == 'detail');
    }
  }
  all.selector = known.get(live as object);
  return all;
};

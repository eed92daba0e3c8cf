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
const exact = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, part: unknown) => (typeof part == 'string' ? redact(part) : part)),
  );

/** The fields of a row, in the order of the browser; none before the first. */
export let fields: string[] | undefined;

/**
 * What the browser made, a `resource` as an array of the values of `fields`: their names would be more
 * than half of all that is written, compressed and sent. All else, and all that a hook is to see, without
 * what equals a default, and with the selector that only a live entry could tell. The object that the
 * browser gives of it is ours, so it is changed in place: a copy costs half as much again, and a replacer
 * of `JSON.stringify` that is called for each of forty fields twice.
 */
export const plain = (live: unknown): unknown => {
  if ((live as []).map) return (live as unknown[]).map(plain);
  const all = (live as PerformanceEntry).toJSON?.() as Record<string, unknown>;
  if (!all) return exact(live);
  // Not where a hook is to see an object, nor where the page has made arrays serialise themselves.
  const row =
    !(options.beforeSend || ([] as { toJSON?: unknown }).toJSON) &&
    (live as PerformanceEntry).entryType == 'resource' &&
    ([] as unknown[]);
  // A list of keys for each entry would cost twice what the rest does, and of rows there are hundreds.
  for (const key of row ? (fields ||= Object.keys(all)) : Object.keys(all)) {
    let value = all[key];
    value =
      typeof value == 'number'
        ? Math.round(value * 1e6) / 1e6
        : typeof value == 'string'
          ? redact(value)
          : value && (key == 'detail' ? exact : plain)(value);
    if (row) row.push(value);
    else all[key] = key == 'name' ? value : value || undefined;
  }
  all.selector = known.get(live as object);
  return row || all;
};

/**
 * Makes an entry small without losing anything: a field that is absent means its default (0, '',
 * false, null, []), and numbers are rounded to a millionth, below the resolution of the browser's
 * clock (5 to 100 µs). What a page wrote itself (`properties`, `detail`, bodies) stays as it is.
 */
import { options } from './core.ts';
import { selector } from './selector.ts';

/**
 * Values of query parameters whose names look like secrets, and user info in a URL. What is kept is
 * in the look-behind, so that all patterns are used alike. A string, as a browser that knows no
 * look-behind would refuse the whole script, and the bundle that it is part of.
 */
export const SECRETS =
  '(?<=[?&#;][^=]*(token|secret|passw|auth|key|sig|session|jwt|code)[^=]*=)[^&#;\\s"\']+|(?<=://)[^/?#\\s@]+(?=@)';

export const redact = (text: string): string =>
  options.redact!.reduce((rest, pattern) => rest.replace(pattern, 'REDACTED'), text);

/** Of what describes a page: its URLs and its title. */
export const shorten = (text: string): string => redact(text).slice(0, 2e3);

/** What a page wrote itself, as it is; only secrets are taken out. */
export const exact = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) => (typeof part == 'string' ? redact(part) : part));

/**
 * What the browser made, without what equals a default, and with what only live entries know. A copy:
 * a replacer of `JSON.stringify` that is called for each of forty fields takes three times as long.
 */
export const plain = (live: unknown): unknown => {
  if (typeof live == 'number') return Math.round(live * 1e6) / 1e6;
  if (typeof live == 'string') return redact(live);
  if (!live || live === true) return live;
  if ((live as []).map) return (live as []).map(plain);
  const { element, target, node } = live as Record<string, unknown>;
  const all = (live as { toJSON?: () => object }).toJSON?.() ?? live;
  const kept: Record<string, unknown> = {};
  for (const key in all as object) {
    const value = (all as Record<string, unknown>)[key];
    // Loosely equal to '' are 0, false and [].
    if ((value ?? '') != '' || /^(name|st|du)/.test(key)) {
      kept[key] = key == 'detail' ? JSON.parse(exact(value)) : plain(value);
    }
  }
  if (element || target || node) kept.selector = selector(element || target || node);
  return kept;
};

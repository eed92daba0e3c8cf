/**
 * Makes an entry small without losing anything: a field that is absent means its default (0, '',
 * false, null, []), and numbers are rounded to a millionth, below the resolution of the browser's
 * clock (5 to 100 µs). What a page wrote itself (`properties`, `detail`, bodies) stays as it is.
 */
import { options } from './core.ts';
import { selector } from './selector.ts';

/**
 * Values of query parameters whose names look like secrets, and user info in a URL. What is kept is
 * in the look-behind, so that all patterns are used alike.
 */
export const SECRETS =
  /(?<=[?&#;][^?&#;=]*(token|secret|passw|auth|key|sig|session|jwt|code)[^&#;=]*=)[^&#;\s"']+|(?<=:\/\/)[^/?#\s@]+(?=@)/gi;

export const redact = (text: string): string =>
  options.redact!.reduce((rest, pattern) => rest.replace(pattern, 'REDACTED'), text);

/** A copy of `value` without what equals a default, and with what only live entries know. */
export function compact(value: unknown, exact?: boolean): unknown {
  if (typeof value == 'string') return redact(value);
  if (typeof value == 'number') return exact ? value : Math.round(value * 1e6) / 1e6;
  if (Array.isArray(value)) return value.map((item) => compact(item, exact));
  if (!value || typeof value != 'object') return value;
  const source = value as Record<string, unknown> & { toJSON?(): object };
  if (source.toJSON) {
    const result = compact(source.toJSON(), exact);
    const node = source.element || source.target || source.node;
    return node ? { ...(result as object), selector: selector(node) } : result;
  }
  const result: Record<string, unknown> = {};
  for (const key in source) {
    // The page's own value of a mark or measure.
    const verbatim = exact || key == 'detail';
    const small = compact(source[key], verbatim);
    // Loosely equal to '' are 0, '', false and [].
    if (verbatim || (small != null && small != '') || /^(name|startTime|duration)$/.test(key)) {
      result[key] = small;
    }
  }
  return result;
}

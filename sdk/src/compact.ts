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

/** Of what describes a page: its URLs and its title. */
export const shorten = (text: string): string => redact(text).slice(0, 2e3);

/** The JSON of an entry, redacted, without what equals a default, and with what only live entries know. */
export const compact = (entry: object): string => {
  // Entries of our own have no defaults to leave out, nor has the page's own value of a mark or
  // measure and what follows it.
  let exact = !('toJSON' in entry);
  return JSON.stringify(entry, function (this: Record<string, unknown>, key, value) {
    if (typeof value == 'string') value = redact(value);
    if ((exact ||= key == 'detail')) return value;
    if (typeof value == 'number') value = Math.round(value * 1e6) / 1e6;
    const { element, target, node } = Object(this[key]);
    if (element || target || node) return { ...value, selector: selector(element || target || node) };
    // Loosely equal to '' are 0, false and []; a list keeps its places.
    return (value ?? '') != '' || /^(name|st|du|\d)/.test(key) ? value : undefined;
  });
};

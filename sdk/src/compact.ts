/**
 * Makes an entry small without losing anything: a field that is absent means its default (0, '',
 * false, null, []), and numbers are rounded to a millionth, below the browser's own clock
 * resolution of 5 to 100 µs. `name`, `entryType` and `startTime` are always there.
 */

/** Longer strings in browser entries (data: URLs, mostly) are cut, with a mark. */
export const STRING_LIMIT = 4096;

type Redact = (text: string) => string;

/** Query parameters whose values look like secrets, user info in a URL, and the bulk of data: URLs. */
const SECRETS: [RegExp, string][] = [
  [
    /([?&#;][^=&#;]*(?:token|secret|passw|pwd|auth|api-?_?key|signature|session|jwt|otp|code)[^=&#;]*=)[^&#;\s"']+/gi,
    '$1REDACTED',
  ],
  [/(\w:\/\/)[^/?#\s@]+@/g, '$1REDACTED@'],
];

/** A function that takes the secrets out of a text, ours and those that `patterns` name. */
export const redactor =
  (patterns: readonly RegExp[]): Redact =>
  (text) => {
    for (const [pattern, mark] of SECRETS) text = text.replace(pattern, mark);
    for (const pattern of patterns) text = text.replace(pattern, 'REDACTED');
    return text;
  };

/** A copy of `value` without what equals a default; `undefined` where nothing is left. */
export function compact(value: unknown, redact: Redact): unknown {
  if (typeof value == 'number') return Math.round(value * 1e6) / 1e6 || undefined;
  if (typeof value == 'string') {
    return (
      redact(value.length > STRING_LIMIT ? value.slice(0, STRING_LIMIT) + '…' : value) || undefined
    );
  }
  if (Array.isArray(value)) {
    return value.length ? value.map((item) => compact(item, redact) ?? item) : undefined;
  }
  if (value && typeof value == 'object') {
    const source = (
      'toJSON' in value ? (value as { toJSON(): unknown }).toJSON() : value
    ) as Record<string, unknown>;
    const result: Record<string, unknown> = {};
    for (const key in source) {
      const small = compact(source[key], redact);
      if (small !== undefined) result[key] = small;
    }
    return result;
  }
  return value || undefined;
}

/** A UUID of version 7 (RFC 9562): IDs sort by the millisecond (`time`) in which they were made. */
export const uuid = (time: number): string =>
  crypto
    .getRandomValues(new Uint8Array(9))
    .reduce((text, byte) => text + (byte + 256).toString(16).slice(1), '0' + time.toString(16))
    .replace(/(.{8})(.{4})(.{3})(.{3})/, '$1-$2-7$3-8$4-');

/** Where an ID falls between 0 and 1; all tabs of a session agree on it without a word. */
export const fraction = (id: string): number => parseInt(id.slice(-8), 16) / 2 ** 32;

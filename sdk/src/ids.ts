/** A UUID of version 7 (RFC 9562): IDs sort by the millisecond in which they were made. */
export function uuid(now: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(10));
  let random = '';
  for (const byte of bytes) random += (byte + 256).toString(16).slice(1);
  const time = now.toString(16).padStart(12, '0');
  return (
    `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-` +
    // The variant's two bits are 10: one of 8, 9, a, b.
    `${'89ab'[bytes[9]! & 3]}${random.slice(3, 6)}-${random.slice(6, 18)}`
  );
}

/** Where an ID falls between 0 and 1; all tabs of a session agree on it without a word. */
export const fraction = (id: string): number => parseInt(id.slice(-8), 16) / 2 ** 32;

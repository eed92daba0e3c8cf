/**
 * A UUID of version 7 (RFC 9562): IDs sort by the millisecond in which they were made. They
 * need to be unique, not secret, and `crypto.randomUUID` is not there on plain HTTP.
 */
export const uuid = (): string => {
  let at = 0;
  const hex = '0' + Date.now().toString(16);
  return '________-____-7___-8___-____________'.replace(
    /_/g,
    () => hex[at++] || ((Math.random() * 16) | 0).toString(16),
  );
};

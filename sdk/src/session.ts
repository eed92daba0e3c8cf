/**
 * The session: one ID for all tabs of an origin, new after 30 minutes without activity or 24 hours
 * in all (the rule of PostHog's session ID manager). Kept in localStorage, or in memory where that
 * is blocked.
 */
import { uuid } from './ids.ts';

export const IDLE_LIMIT = 18e5;
export const AGE_LIMIT = 864e5;

const KEY = 'perftui';
/** Storage is written at most this often for mere activity. */
const WRITE_INTERVAL = 5e3;

let memory = '';

/** Reads or, with `value`, writes a key; storage that is blocked or full is no fault of the page. */
export function store(key: string, value?: string): string | null | undefined {
  try {
    if (value != null) localStorage.setItem(key, value);
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/**
 * The session's ID at `now` (epoch milliseconds).
 *
 * @param active whether somebody is at it: activity keeps a session alive, mere traffic does not
 */
export function session(now: number, active: boolean): string {
  const [storedId, storedStart, storedActive] = (store(KEY) || memory).split(',');
  let id = storedId;
  let started = +storedStart!;
  const idle = Math.abs(now - +storedActive!);
  if (!(id && idle < IDLE_LIMIT && Math.abs(now - started) < AGE_LIMIT)) {
    id = uuid(now);
    started = now;
  } else if (!active || idle < WRITE_INTERVAL) return id;
  store(KEY, (memory = [id, started, now].join()));
  return id;
}

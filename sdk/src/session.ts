/**
 * The session: one ID for all tabs of an origin, new after 30 minutes without activity or 24 hours
 * in all (the rule of PostHog's session ID manager). Kept in localStorage, or in memory where that
 * is blocked.
 */
import { uuid } from './ids.ts';

export const IDLE_LIMIT = 18e5;
export const AGE_LIMIT = 864e5;

const KEY = 'perftui';
/** Storage is written at most this often for mere activity, in milliseconds. */
const WRITE_INTERVAL = 5e3;

let memory = '';

/** Reads a key, or writes `value` to it; storage that is blocked or full is no fault of the page. */
export function store(key: string, value?: string): string | null | undefined {
  try {
    if (value != null) localStorage.setItem(key, value);
    return localStorage.getItem(key);
  } catch {
    return;
  }
}

/**
 * The session's ID at `time` (epoch milliseconds).
 *
 * @param active whether somebody is at it: activity keeps a session alive, mere traffic does not
 */
export function session(time: number, active?: boolean): string {
  let [id, started, activeAt] = (store(KEY) || memory).split(',') as [string, ...string[]];
  const idle = Math.abs(time - +activeAt!);
  if (!(idle < IDLE_LIMIT && Math.abs(time - +started!) < AGE_LIMIT)) {
    id = uuid((started = time as never));
    active = true;
  } else if (idle < WRITE_INTERVAL) active = false;
  if (active) store(KEY, (memory = [id, started, time].join()));
  return id;
}

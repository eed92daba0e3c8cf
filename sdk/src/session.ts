/**
 * The session: one ID for all tabs of an origin, new after 30 minutes without activity or 24 hours
 * in all (the rule of PostHog's session ID manager). Kept in localStorage, or in memory where that
 * is blocked.
 */
import { safe } from './core.ts';
import { uuid } from './ids.ts';

let memory = '';

/** Reads a key, or writes `value` to it; storage that is blocked or full is no fault of the page. */
export const store = safe((key: string, value?: string): string => {
  return value == null ? (localStorage[key] as string) : (localStorage[key] = value);
});

/**
 * The session's ID now.
 *
 * @param active whether somebody is at it: activity keeps a session alive, mere traffic does not
 */
export const session = (active?: boolean): string => {
  const time = Date.now();
  let [id, started, activeAt] = (store('perftui') || memory).split(',') as [string, ...string[]];
  const idle = Math.abs(time - (activeAt as never));
  if (!(idle < 18e5 && time - (started as never) < 864e5)) {
    id = uuid();
    started = time as never;
    active = true;
    // Storage is written every five seconds at most for mere activity.
  } else if (idle < 5e3) active = false;
  if (active) store('perftui', (memory = [id, started, time].join()));
  return id;
};

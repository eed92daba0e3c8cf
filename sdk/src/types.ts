/** The one table of what to record: names of entry types, `resource` narrowed by initiator. */
import { options } from './core.ts';

/**
 * Does the table ask for this kind: an entry type and a colon (`resource:`), or an initiator and
 * another colon after them (`resource:fetch:`)? For the type alone it does where it asks for any
 * initiator.
 */
export const wants = (kind: string): boolean =>
  options.types.some((name) =>
    name == '*'
      ? // The `visibility` entries of our own tell of it sooner.
        !/^(con|req|visibility-)/.test(kind)
      : kind.startsWith(name.replace(':*', '') + ':') || name.startsWith(kind),
    // What a pageview is and what the page itself tells is no question of types.
  ) || /^(pagev|ca)/.test(kind);

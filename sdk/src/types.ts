/** The one table of what to record: names of entry types, `resource` narrowed by initiator. */
import { options } from './core.ts';

/** Does the table ask for this type, and for this initiator where one is given? */
export const wants = (entryType: string, initiator?: string): boolean =>
  options.types.some((name) => {
    const [type, only] = name.split(/:\*?/);
    return type == '*'
      ? !/^(cons|req)/.test(entryType)
      : type == entryType && (!only || !initiator || only == initiator);
    // What a pageview is and what the page itself tells is no question of types.
  }) || /^(pagev|cap)/.test(entryType);

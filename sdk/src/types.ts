/** The one table of what to record: names of entry types, `resource` narrowed by initiator. */

/** Does the table ask for this type, and for this initiator where one is given? */
export const wants = (table: string[], entryType: string, initiator?: string): boolean =>
  table.some((name) => {
    const [type, only = '*'] = name.split(':');
    return type == '*'
      ? !/^(cons|req)/.test(entryType)
      : type == entryType && (only == '*' || !initiator || only == initiator);
  });

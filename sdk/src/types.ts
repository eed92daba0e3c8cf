/** The one table of what to record: names of entry types, `resource` narrowed by initiator. */

const OPT_IN = /^(console|request-detail)$/;

/** Does the table ask for any entry of this type? */
export function wantsType(table: readonly string[], entryType: string): boolean {
  return table.some(
    (name) => name.split(':')[0] === entryType || (name === '*' && !OPT_IN.test(entryType)),
  );
}

/** Does the table ask for resource entries of this initiator? */
export const wantsInitiator = (table: readonly string[], initiator: string): boolean =>
  table.some((name) => /^(\*|resource(:\*)?)$/.test(name) || name === 'resource:' + initiator);

/** What distributions say of a package that has no fix, in the words of reports. */

const statuses = new Map([
  ['open', 'affected'],
  ['unfixed', 'affected'],
  ['no-dsa', 'affected'],
  ['postponed', 'fix_deferred'],
  ['ignored', 'will_not_fix'],
  ['end-of-life', 'end_of_life'],
  ['not-affected', 'not_affected'],
]);

/** Undefined for words that say nothing of it. */
export function distributionStatus(word: unknown): string | undefined {
  return typeof word === 'string' ? statuses.get(word) : undefined;
}

/** It is vulnerable, whatever its version. */
export function isOpenStatus(status: string | undefined): boolean {
  return status !== undefined && status !== 'not_affected';
}

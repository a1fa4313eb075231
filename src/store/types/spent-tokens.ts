/** Tokens of other issuers that were exchanged once. Times are by the database's clock, so that several servers agree. */
export interface SpentTokenStore {
  /**
   * Marks a token as used. Of several callers, one gets true; the others get false until the time is over.
   * @param tokenHash the store never sees the token
   */
  spend(tokenHash: string, lifeMs: number): Promise<boolean>;
}

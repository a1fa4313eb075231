/** Marks of code blobs, by which the servers of one store agree on what may be removed. All times are the store's. */
export interface CodeMarkStore {
  /**
   * Notes that a server stores or needs the code now. Returns a stamp, which stays the same until the code is
   * removed; undefined while a removal is marked that began less than `lateMs` ago. An older one is over.
   */
  touch(digest: string, lateMs: number): Promise<string | undefined>;
  /** Whether no removal has begun since `touch` returned the stamp, or every one that began was given up. */
  isKept(digest: string, stamp: string): Promise<boolean>;
  /**
   * Begins to remove code that was not touched for `graceMs`. Returns what ends the removal; undefined when the code
   * was touched or another server is removing it. It takes over a removal that began `lateMs` ago.
   */
  beginRemoval(
    digest: string,
    times: { readonly graceMs: number; readonly lateMs: number },
  ): Promise<string | undefined>;
  /** Forgets the removal and the stamp: the code is gone. */
  endRemoval(digest: string, removal: string): Promise<void>;
  /** Forgets the removal: the code is needed, and is as it was. */
  giveUpRemoval(digest: string, removal: string): Promise<void>;
}

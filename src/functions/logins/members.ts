/** The members of a namespace: people and pipelines that have logged in to it. An admin of it sees them and logs them out. */
import type { NamespaceMemberRow, NamespaceMemberStore } from '../../store/index.ts';
import { notFound } from '../faults.ts';

export interface Member extends Omit<NamespaceMemberRow, 'person'> {
  /** The same for each login of a subject at an issuer. */
  readonly id: string;
}

export interface MemberService {
  /** The last login first. */
  list(namespace: string): Promise<readonly Member[]>;
  /**
   * Ends the logins of a member in this namespace, and only there. Keys that the member has made stay. Returns the
   * number of ended keys. @throws Fault NOT_FOUND
   */
  logOut(namespace: string, id: string): Promise<number>;
}

interface MemberOptions {
  readonly members: NamespaceMemberStore;
  /** The caches have keys that are gone. */
  readonly onKeysGone: () => void;
}

export function createMembers({ members, onKeysGone }: MemberOptions): MemberService {
  return {
    async list(namespace) {
      const rows = await members.list(namespace);
      return rows.map(({ person, ...member }) => ({ id: person, ...member }));
    },
    async logOut(namespace, id) {
      const ended = await members.endLogins(namespace, id);
      onKeysGone();
      if (ended === undefined) throw notFound();
      return ended;
    },
  };
}

/** Reacts to a changed policy, changed advisories or changed VEX: writes to the audit log, and judges everything again. */
import type { RejudgeOptions, RejudgeResult } from './rejudging.ts';
import { isSameRevisions, type Revisions } from './revisions.ts';
import type { AuditDraft } from './store/audit-entry.ts';
import type { GateStore } from './store/types.ts';

export interface CatchingUpOptions {
  readonly store: Pick<GateStore, 'revisions' | 'write'>;
  readonly revisions: () => Revisions;
  readonly rejudgeAll: (options: RejudgeOptions) => Promise<RejudgeResult>;
  /** Epoch milliseconds. */
  readonly clock: () => number;
}

const actor = 'gate';
const none: Revisions = { policy: '', advisories: undefined, vex: '' };

/** Stores the revisions only after a complete round, so an interrupted round starts again. */
export async function catchUp(
  { store, revisions, rejudgeAll, clock }: CatchingUpOptions,
  options: RejudgeOptions,
): Promise<RejudgeResult | undefined> {
  const now = revisions();
  const noted = (await store.revisions('noted')) ?? none;
  if (!isSameRevisions(noted, now)) {
    const time = new Date(clock()).toISOString();
    await store.write({ audit: changesBetween(noted, now, time), noted: now });
  }
  const judged = await store.revisions('judged');
  if (judged !== undefined && isSameRevisions(judged, now)) return undefined;
  const result = await rejudgeAll(options);
  if (result.isWhole && isSameRevisions(revisions(), now)) await store.write({ judgedWith: now });
  return result;
}

function changesBetween(before: Revisions, now: Revisions, time: string): readonly AuditDraft[] {
  const changes: AuditDraft[] = [];
  if (before.policy !== now.policy)
    changes.push({
      ...{ time, actor, event: 'policy', policyRevision: now.policy },
      summary: `the policy ${now.policy} is in force`,
    });
  if (before.advisories !== now.advisories)
    changes.push({
      ...{ time, actor, event: 'advisories', advisoryRevision: now.advisories },
      summary:
        now.advisories === undefined
          ? 'the advisories were removed'
          : `the advisories ${now.advisories} are in force`,
    });
  if (before.vex !== now.vex)
    changes.push({
      ...{ time, actor, event: 'vex', vexRevision: now.vex },
      summary:
        now.vex === '' ? 'the operator’s VEX was removed' : `the operator’s VEX ${now.vex} is in force`,
    });
  return changes;
}

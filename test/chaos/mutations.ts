/** Removes parts of Ward that keep its promise about accepted calls. The check must detect each removal. */
import type { Edit } from './preload.ts';

export const breaks = ['fence', 'claim', 'flush'] as const;
export type Break = (typeof breaks)[number];

/** The fault that shows that a part is missing, and the rule that is then broken. */
export interface Proof {
  readonly fault: string;
  readonly rule: string;
}

export const proofs: Readonly<Record<Break, Proof>> = {
  fence: { fault: 'kill-server', rule: 'ran twice' },
  claim: { fault: 'kill-server', rule: 'ran twice' },
  flush: { fault: 'kill-server', rule: 'no record' },
};

export const editsOf: Readonly<Record<Break, readonly Edit[]>> = {
  /** Calls that had begun begin again after a restart. */
  fence: [
    {
      file: 'src/functions/activations/resume.ts',
      from: 'if (!mayRunAgain(task, attempt)) return',
      to: 'if (attempt > 9 && !mayRunAgain(task, attempt)) return',
    },
  ],
  /** The claim of a call, which records that it has begun, is not written. */
  claim: [
    {
      file: 'src/store/accepted.ts',
      from: 'const unit = units.claim(activationId, attempt, node);',
      to: 'const unit = units.claim(activationId, attempt, node); if (unit) return true;',
    },
  ],
  /** An accepted call is answered just before it is on disk. */
  flush: [
    {
      file: 'src/store/accepted.ts',
      from: 'const units = writeUnits(db);',
      to: 'const units = writeUnits(db); const late = new Map();',
    },
    {
      file: 'src/store/accepted.ts',
      from: 'await writer.submit({ namespace: row.namespace, unit: units.accept(row, attempt), urgent: true });',
      to: `const write = () => writer.submit({ namespace: row.namespace, unit: units.accept(row, attempt), urgent: true });
        late.set(row.activationId, new Promise((done) => setTimeout(done, 100)).then(write).catch(() => {}));`,
    },
    {
      file: 'src/store/accepted.ts',
      from: 'const unit = units.claim(activationId, attempt, node);',
      to: 'await late.get(activationId); const unit = units.claim(activationId, attempt, node);',
    },
  ],
};

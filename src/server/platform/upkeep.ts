/** Upkeep of a running platform: deletes old records and unneeded content, updates advisories, reports damage. */
import type { BlobStore } from '../../blobs/index.ts';
import {
  codeGraceMs,
  createCodeSweep,
  createRetention,
  type Functions,
  keepCode,
  startStoredSamples,
} from '../../functions/index.ts';
import { keepLease } from '../../store/index.ts';
import { startAdvisoryUpdates } from '../advisories/updates.ts';
import type { GuardedImages } from '../gate/guarded-images.ts';
import { createContentSweep } from './content-sweep.ts';
import type { Context } from './context.ts';
import { startDamageWatch } from './damage-watch.ts';
import type { Foundation } from './foundation.ts';

interface UpkeepParts {
  readonly foundation: Pick<Foundation, 'store' | 'shared' | 'sharedBlobs'>;
  readonly blobs: BlobStore;
  readonly functions: Functions;
  readonly guarded: Pick<GuardedImages, 'sweep' | 'sweepAdvisories' | 'registryBytes'>;
}

interface Upkeep extends AsyncDisposable {
  /** Call it when accepted invocations are being resumed, which come first. Code that they still need stays. */
  startRetention(): void;
}

export function startUpkeep({ config, figures, log }: Context, parts: UpkeepParts): Upkeep {
  const { blobs, functions, guarded } = parts;
  const { store, shared, sharedBlobs } = parts.foundation;
  const stack = new AsyncDisposableStack();
  const graceMs = codeGraceMs(config.retention.everyMinutes * 60_000);
  if (shared !== undefined) stack.use(keepCode({ code: functions.code, graceMs, log }));
  /** The lease for work that one of several servers does, if this one has it. */
  const keeper = shared && stack.use(keepLease({ leases: store.leases, name: 'retention', log }));
  const turn = async () => {
    const lease = await keeper?.held();
    return lease && store.under(lease).activations;
  };
  const sweepCode = createContentSweep({
    isShared: sharedBlobs !== undefined,
    isTurn: async () => keeper === undefined || (await keeper.held()) !== undefined,
    enforceQuotas: () => functions.quotas.enforce(),
    sweepPushed: () => guarded.sweep(functions),
    sweepAdvisories: guarded.sweepAdvisories,
    sweepCode: createCodeSweep({ ...store, blobs, ...functions.code, graceMs }),
  });
  const retention = stack.use(
    createRetention({ store, config: config.retention, sweepCode, log, ...(keeper && { turn }) }),
  );
  stack.use(startStoredSamples({ store, registryBytes: guarded.registryBytes, log }));
  const areShared = shared !== undefined && sharedBlobs !== undefined;
  stack.use(startAdvisoryUpdates({ config, log, leases: areShared ? store.leases : undefined }));
  figures.watchDamage(stack.use(startDamageWatch(config, log)).damaged);
  return {
    startRetention: () => retention.start(),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

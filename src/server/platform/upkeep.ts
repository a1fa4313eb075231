/** Upkeep of a running platform: deletes old records and unneeded content, updates advisories, reports damage. */
import type { BlobStore } from '../../blobs/index.ts';
import { codeGraceMs, createCodeSweep, createRetention, type Functions } from '../../functions/index.ts';
import { keepLease } from '../../store/index.ts';
import { startAdvisoryUpdates } from '../advisories/updates.ts';
import type { GuardedImages } from '../gate/guarded-images.ts';
import type { Context } from './context.ts';
import { startDamageWatch } from './damage-watch.ts';
import type { Foundation } from './foundation.ts';

interface UpkeepParts {
  readonly foundation: Pick<Foundation, 'store' | 'shared'>;
  readonly blobs: BlobStore;
  readonly functions: Functions;
  readonly guarded: Pick<GuardedImages, 'sweep'>;
}

interface Upkeep extends AsyncDisposable {
  /** Call it after accepted invocations have resumed: they may need code that no action names any more. */
  startRetention(): void;
}

export function startUpkeep({ config, figures, log }: Context, parts: UpkeepParts): Upkeep {
  const { blobs, functions, guarded } = parts;
  const { store, shared } = parts.foundation;
  const stack = new AsyncDisposableStack();
  const sweepBlobs = createCodeSweep({
    ...{ ...store, blobs, ...functions.code },
    graceMs: codeGraceMs(config.retention.everyMinutes * 60_000),
  });
  /** The lease for work that one of several servers does, if this one has it. */
  const keeper = shared && stack.use(keepLease({ leases: store.leases, name: 'retention', log }));
  const turn = async () => {
    const lease = await keeper?.held();
    return lease && store.under(lease).activations;
  };
  // Code and images are in the folders of each server, so each one sweeps its own.
  const sweepCode = async () => {
    if (keeper === undefined || (await keeper.held()) !== undefined) await functions.quotas.enforce();
    await guarded.sweep(functions);
    return sweepBlobs();
  };
  const retention = stack.use(
    createRetention({ store, config: config.retention, sweepCode, log, ...(keeper && { turn }) }),
  );
  stack.use(startAdvisoryUpdates({ config, log }));
  figures.watchDamage(stack.use(startDamageWatch(config, log)).damaged);
  return {
    startRetention: () => retention.start(),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

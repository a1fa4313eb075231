/** Instead of sandboxes, for a platform without them: the result of each call is its parameters. */
import { type Dispatcher, jobWithdrawn } from '../../dispatch/index.ts';

export const echoDispatcher: Dispatcher = {
  async run({ parameters, acceptedAt }, handover) {
    if (handover !== undefined && !(await handover.begin())) throw jobWithdrawn();
    const json = JSON.stringify(parameters);
    const now = Date.now();
    const completion = {
      ...({ status: 'success', start: 'warm', timedOut: false } as const),
      ...{ result: JSON.parse(json), json, sizeBytes: Buffer.byteLength(json) },
      ...{ startedAt: now, endedAt: now, waitMs: now - acceptedAt },
    };
    return { completion, log: Promise.resolve(['a line']) };
  },
  cancel() {},
  warm() {},
  prefetch() {},
  follow: () => undefined,
  async checkTarget() {},
  kept: () => [],
  grant() {},
  status: () => ({
    queued: 0,
    sandboxes: { starting: 0, busy: 0, idle: 0, prewarmed: 0 },
    memoryMiB: 0,
    memoryLimitMiB: 0,
  }),
  retire() {},
  namespaces: () => new Set(),
  expel() {},
};

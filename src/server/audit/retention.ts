/** Removes the oldest entries of the audit log, so that it does not fill the disk. */
import type { GateStore } from '../../gate/index.ts';
import type { Log } from '../../lib/index.ts';
import type { Config } from '../config/config.ts';

interface RetentionOptions {
  readonly chain: Pick<GateStore, 'cutAudit'>;
  readonly config: Config['audit'];
  readonly log: Log;
  readonly everyMs?: number;
}

const dayMs = 86_400_000;
const usualMs = 3_600_000;

/** Looks at once, and at intervals. */
export function startAuditRetention({ everyMs = usualMs, ...options }: RetentionOptions): AsyncDisposable {
  const ending = new AbortController();
  const look = () => cutAll(options, ending.signal);
  let running = look();
  const timer = setInterval(() => {
    running = running.then(look);
  }, everyMs);
  timer.unref();
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      ending.abort();
      await running;
    },
  };
}

/** Cuts in pieces, so that other writes get their turn. Never rejects. */
async function cutAll({ chain, config, log }: RetentionOptions, signal: AbortSignal): Promise<void> {
  const { keepDays, keepEntries } = config;
  const since = keepDays === 0 ? 0 : Date.now() - keepDays * dayMs;
  const entries = keepEntries === 0 ? Number.MAX_SAFE_INTEGER : keepEntries;
  try {
    let removed = 0;
    for (let cut = -1; cut !== 0 && !signal.aborted; removed += cut)
      cut = await chain.cutAudit({ entries, since });
    if (removed > 0) log.info(`removed the ${removed} oldest entries of the audit log`);
  } catch (error) {
    log.error({ err: error }, 'could not remove old entries of the audit log');
  }
}

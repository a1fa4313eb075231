/**
 * Limits the disk space of a namespace's activation records. If they take more, the oldest are deleted, even if
 * retention would keep them. Records that ended in the last minutes stay, because their caller may still ask for
 * them. If no older ones are left, new calls are refused: the record of an accepted call is never lost.
 *
 * Calls check a number in memory. Between two queries of the store it is an estimate; the store's counter is exact.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AdmissionControl } from '../../dispatch/index.ts';
import { formatSize, type Log, messageOf } from '../../lib/index.ts';
import type { ActivationStore, ActivationWrite, Evicted, LongText } from '../../store/index.ts';
import { functionFault } from '../faults.ts';
import type { Identity } from '../namespaces/namespaces.ts';
import type { DiskAdmission } from '../namespaces/quotas.ts';

/** Receives what happens to records. */
export interface RecordWatch {
  evicted(records: number): void;
  refused(): void;
  /** The record of an activation that has run was not kept. */
  lost(): void;
}

export interface RecordQuotaOptions {
  readonly activations: ActivationStore;
  readonly log: Log;
  readonly watch?: RecordWatch | undefined;
  readonly disk?: Pick<DiskAdmission, 'admitCall'> | undefined;
  /** How long a record stays after its end, even if the quota is exceeded. */
  readonly graceMs?: number;
}

type Admitting = Pick<AdmissionControl, 'admit' | 'admitFire'>;
type Limits = Pick<Identity['limits'], 'recordQuotaBytes' | 'storeActivations'>;

export interface RecordQuota {
  /** The store, which counts all appended records. */
  readonly activations: ActivationStore;
  /** Admits no call while the records take too much. @throws Fault RECORDS_FULL, like `admit` */
  guard(admission: Admitting): Admitting;
  /** Checks existing records against the quota, because an operator may have lowered it. */
  enforce(namespace: string, limits: Limits): Promise<void>;
  /** Ends the current pass after its step. */
  close(): Promise<void>;
}

interface Account {
  /** Undefined until the store has been queried. */
  held: number | undefined;
  /** Bytes appended since the start. */
  appended: number;
  limit: number;
  /** Nothing more could be deleted, and it was not enough. */
  isFull: boolean;
  /** Milliseconds of the monotonic clock. */
  checkedAt: number;
  underWay: Promise<void> | undefined;
}

const defaultGraceMs = 5 * 60_000;
/** Records per step. */
const stepSize = 250;
const shortestRestMs = 2;
/** A full namespace is checked again after this time. */
const retryMs = 5000;
/** A pass deletes down to this share of the quota, so that not every record starts one. */
const share = 0.95;
/** How far the quota may be exceeded while a pass makes room. */
const slack = 1.25;
const rowBytes = 1024;

export function createRecordQuota(options: RecordQuotaOptions): RecordQuota {
  const accounts = new Map<string, Account>();
  const ending = new AbortController();

  const accountOf = (namespace: string, limit: number): Account => {
    let account = accounts.get(namespace);
    if (account === undefined) {
      account = { held: undefined, appended: 0, limit, isFull: false, checkedAt: 0, underWay: undefined };
      accounts.set(namespace, account);
    }
    account.limit = limit;
    return account;
  };
  const check = (namespace: string, account: Account): Promise<void> => {
    account.underWay ??= makeRoom(options, namespace, account, ending.signal).finally(() => {
      account.checkedAt = performance.now();
      account.underWay = undefined;
    });
    return account.underWay;
  };
  /** Undefined if there is room. */
  const refusal = (namespace: string, limits: Limits) => {
    if (limits.storeActivations === false || ending.signal.aborted) return undefined;
    const account = accountOf(namespace, limits.recordQuotaBytes);
    const { held, limit, isFull, checkedAt } = account;
    if (held !== undefined && held <= limit) return undefined;
    if (!isFull || performance.now() - checkedAt > retryMs) void check(namespace, account);
    if (held === undefined || (!isFull && held <= limit * slack)) return undefined;
    return recordsFull(namespace, { used: held, limit, isFull });
  };
  const admitted = (namespace: string, limits: Limits) => {
    const fault = refusal(namespace, limits);
    if (fault === undefined) return;
    options.watch?.refused();
    throw fault;
  };
  return {
    activations: {
      ...options.activations,
      append(write) {
        const { namespace } = write.row;
        const account = accounts.get(namespace);
        const bytes = account === undefined ? 0 : bytesOf(write);
        const kept = options.activations.append(write);
        if (account !== undefined) {
          account.appended += bytes;
          if (account.held !== undefined) account.held += bytes;
          if ((account.held ?? 0) > account.limit && !account.isFull) void check(namespace, account);
        }
        return kept;
      },
    },
    guard: (admission) => ({
      admit(namespace, limits: Limits & Parameters<Admitting['admit']>[1]) {
        admitted(namespace, limits);
        return admission.admit(namespace, limits);
      },
      admitFire(namespace, limits: Limits & Parameters<Admitting['admitFire']>[1]) {
        options.disk?.admitCall(true);
        admitted(namespace, limits);
        admission.admitFire(namespace, limits);
      },
    }),
    enforce: (namespace, limits) => check(namespace, accountOf(namespace, limits.recordQuotaBytes)),
    async close() {
      ending.abort();
      await Promise.all([...accounts.values()].map(({ underWay }) => underWay));
    },
  };
}

/** Deletes records that may be deleted until there is room. Never rejects. */
async function makeRoom(
  options: RecordQuotaOptions,
  namespace: string,
  account: Account,
  signal: AbortSignal,
): Promise<void> {
  const { log, watch } = options;
  let total = 0;
  try {
    // The first step only checks, unless there is too much.
    let { records, heldBytes } = await evict(options, namespace, account, account.limit);
    while (records > 0 && !signal.aborted) {
      total += records;
      const startedAt = performance.now();
      ({ records, heldBytes } = await evict(options, namespace, account, account.limit * share));
      await sleep(Math.max(shortestRestMs, performance.now() - startedAt), undefined, { signal });
    }
    account.isFull = heldBytes > account.limit;
  } catch (error) {
    if (!signal.aborted)
      log.error({ namespace, reason: messageOf(error) }, 'old records could not be deleted');
  }
  if (total === 0) return;
  watch?.evicted(total);
  log.info(
    { namespace, records: total },
    'deleted old records, which took more disk than their namespace may have',
  );
}

async function evict(
  { activations, graceMs = defaultGraceMs }: RecordQuotaOptions,
  namespace: string,
  account: Account,
  bytes: number,
): Promise<Evicted> {
  const { appended } = account;
  const endedBefore = Date.now() - graceMs;
  const keepBytes = Math.floor(bytes);
  const evicted = await activations.evict({ namespace, keepBytes, endedBefore, max: stepSize });
  // The store's counter may or may not include records that were appended in the meantime.
  account.held = evicted.heldBytes + account.appended - appended;
  return evicted;
}

function bytesOf({ row, logs, inputJson = '' }: ActivationWrite): number {
  const texts = [row.documentJson, row.responseJson ?? '', inputJson, ...('pieces' in logs ? [logs] : logs)];
  return texts.reduce((sum, text) => sum + textBytes(text), rowBytes);
}

function textBytes(text: string | LongText): number {
  if (typeof text === 'string') return Buffer.byteLength(text);
  return text.pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

interface Fullness {
  readonly used: number;
  readonly limit: number;
  readonly isFull: boolean;
}

function recordsFull(namespace: string, { used, limit, isFull }: Fullness) {
  return functionFault(
    'RECORDS_FULL',
    `The records of the namespace '${namespace}' take ${formatSize(used)} of the ${formatSize(limit)} that they may ` +
      (isFull
        ? 'take, and none of them is old enough to be deleted.'
        : 'take, and the oldest are being deleted.'),
    {
      hint:
        'Wait until the newest are a few minutes old, log and return less, or ask the operator for a larger ' +
        '--record-quota of `ward namespace limits`.',
      retryAfterMs: isFull ? retryMs : 1000,
      details: { quota: 'records', used, limit },
    },
  );
}

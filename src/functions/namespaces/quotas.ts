/**
 * How much of its quota a namespace uses on disk. All of a tenant's writes of entities, code and APIs go through
 * these stores. A write beyond the quota is refused as a whole. A write that adds nothing is never refused. Operators
 * are not limited.
 */
import { type BlobStore, parseDigest } from '../../blobs/index.ts';
import { formatSize, isFault } from '../../lib/index.ts';
import type { ApiStore, EntityStore, HeldCode, Store, WriteBound } from '../../store/index.ts';
import { functionFault, notFound } from '../faults.ts';
import type { UserLimits } from '../limits.ts';

/** Bytes. */
interface QuotaUsage {
  readonly used: number;
  readonly limit: number;
}

export interface NamespaceUsage {
  /** Includes entities. */
  readonly code: QuotaUsage;
  readonly records: QuotaUsage & { readonly count: number };
  readonly registry: QuotaUsage;
}

/**
 * Decides whether the disk has room for what a tenant creates. Each method throws a Fault of the kind `full` or
 * `busy`.
 */
export interface DiskAdmission {
  admitWrite(bytes: number): void;
  /** @param isAccepted whether it is durable before its caller is answered */
  admitCall(isAccepted: boolean): void;
}

export interface Quotas {
  /** Stores that enforce the quota. @throws Fault QUOTA_EXCEEDED, from their `put` */
  readonly entities: EntityStore;
  readonly apis: ApiStore;
  /** @throws Fault NOT_FOUND */
  usage(namespace: string): Promise<NamespaceUsage>;
}

/** Size of a small row. Large ones are rare, and the disk is checked every second. */
const rowBytes = 4096;

type QuotaLimits = Pick<UserLimits, 'codeQuotaBytes' | 'recordQuotaBytes' | 'registryQuotaBytes'>;
type Limited = { readonly limits: QuotaLimits } | undefined;

interface QuotaOptions {
  readonly store: Pick<Store, 'entities' | 'apis' | 'holdings'>;
  readonly blobs: Pick<BlobStore, 'size'>;
  readonly disk?: DiskAdmission;
  /** Synchronous if it was used recently. Undefined if there is no such namespace. */
  readonly limitsOf: (namespace: string) => Limited | Promise<Limited>;
  readonly registryBytes?: (namespace: string) => Promise<number>;
}

export function createQuotas(options: QuotaOptions): Quotas {
  const { store, blobs, disk, limitsOf, registryBytes } = options;
  const within = async (
    namespace: string,
    code: HeldCode | undefined,
    put: (bound: WriteBound | undefined) => Promise<boolean>,
  ): Promise<boolean> => {
    disk?.admitWrite(rowBytes);
    const maxBytes = (await limitsOf(namespace))?.limits.codeQuotaBytes;
    if (maxBytes === undefined) return put(undefined);
    try {
      return await put({ maxBytes, code });
    } catch (error) {
      if (isFault(error, 'STORE_QUOTA')) throw exceeded(namespace, maxBytes, error.details);
      throw error;
    }
  };
  return {
    entities: {
      ...store.entities,
      put: async (row, expected, _bound, earlier) => {
        const code = row.codeDigest === null ? undefined : await sizedCode(blobs, row.codeDigest);
        return within(row.namespace, code, (bound) => store.entities.put(row, expected, bound, earlier));
      },
    },
    apis: {
      ...store.apis,
      put: (row, expected) =>
        within(row.namespace, undefined, (bound) => store.apis.put(row, expected, bound)),
    },
    async usage(namespace) {
      const [limited, held, registry = 0] = await Promise.all([
        limitsOf(namespace),
        store.holdings.get(namespace),
        registryBytes?.(namespace),
      ]);
      if (limited === undefined || held === undefined) throw notFound();
      const { codeQuotaBytes, recordQuotaBytes, registryQuotaBytes } = limited.limits;
      const { entityBytes, codeBytes, recordBytes, records } = held;
      return {
        code: { used: entityBytes + codeBytes, limit: codeQuotaBytes },
        records: { used: recordBytes, limit: recordQuotaBytes, count: records },
        registry: { used: registry, limit: registryQuotaBytes },
      };
    },
  };
}

/** Tells the store the size of code that an older Ward has stored. Must run before anything is served. */
export async function measureCode(
  holdings: Store['holdings'],
  blobs: Pick<BlobStore, 'size'>,
): Promise<void> {
  for (const digest of await holdings.unmeasuredCode()) {
    const code = await sizedCode(blobs, digest);
    await holdings.measureCode(code ?? { digest, bytes: 0 });
  }
}

async function sizedCode(blobs: Pick<BlobStore, 'size'>, digest: string): Promise<HeldCode | undefined> {
  const bytes = await blobs.size(parseDigest(digest));
  return bytes === undefined ? undefined : { digest, bytes };
}

function exceeded(
  namespace: string,
  limit: number,
  { used, needed }: Readonly<Record<string, unknown>> = {},
) {
  const [now, then] = [Number(used), Number(needed)];
  return functionFault(
    'QUOTA_EXCEEDED',
    `The namespace '${namespace}' has ${formatSize(now)} of code and entities, and would then have ${formatSize(then)}, ` +
      `but its quota is ${formatSize(limit)}.`,
    {
      hint: 'Delete what is not needed, or ask the operator for a larger --code-quota of `ward namespace limits`.',
      details: { quota: 'code', used: now, limit },
    },
  );
}

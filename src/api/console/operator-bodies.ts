/** What operators send about namespaces. Names and values are checked further where they are used. */
import { z } from 'zod';

export const namespaceBody = z.strictObject({ name: z.string().max(256) });

export const keyBody = z.strictObject({
  scope: z.string().max(64),
  label: z.string().max(256).optional(),
  /** Epoch milliseconds; null: never. */
  expiresAt: z.number().nullable().optional(),
});

/** Null: as for all namespaces. The other limits are set by the command line, which checks them with the host's policy. */
const value = z.number().nullable();
export const limitsBody = z
  .strictObject({
    invocationsPerMinute: value,
    concurrentInvocations: value,
    firesPerMinute: value,
    codeQuotaBytes: value,
    recordQuotaBytes: value,
    registryQuotaBytes: value,
    retentionMaxAgeDays: value,
    retentionMaxRecords: value,
  })
  .partial();

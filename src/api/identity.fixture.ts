/** A caller without a store: `guest`, with a key of the given scope. */
import { type Identity, type KeyScope, parseNamespaceName } from '../functions/index.ts';

export function guestOf(scope: KeyScope): Identity {
  return {
    namespace: parseNamespaceName('guest'),
    subject: 'guest',
    keyId: '00000000-0000-4000-8000-000000000000',
    scope,
    createdAt: 1,
    limits: {
      invocationsPerMinute: 60,
      concurrentInvocations: 30,
      firesPerMinute: 60,
      maxParameterSize: '1 MB',
      minActionMemory: 128,
      maxActionMemory: 512,
      minActionTimeout: 100,
      maxActionTimeout: 300_000,
      minActionLogs: 0,
      maxActionLogs: 10,
      minActionConcurrency: 1,
      maxActionConcurrency: 500,
      maxActionInstances: 30,
      codeQuotaBytes: 1024,
      recordQuotaBytes: 1024,
      registryQuotaBytes: 1024,
    },
  };
}

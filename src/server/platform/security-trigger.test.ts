import { expect, test } from 'vitest';
import { type Functions, functionFault } from '../../functions/index.ts';
import { createLog } from '../../lib/index.ts';
import { createSecurityTrigger } from './security-trigger.ts';

type Parts = Pick<Functions, 'namespaces' | 'firing'>;

/** The parts that the trigger uses. */
function startTrigger(fire: (namespace: string) => Promise<undefined>) {
  const unfinished = new Set<Promise<void>>();
  const parts = {
    namespaces: { identityOf: async (namespace: string) => ({ namespace }) },
    firing: { fire: ({ trigger }: { trigger: { namespace: string } }) => fire(trigger.namespace) },
  } as unknown as Parts;
  return { unfinished, fire: createSecurityTrigger(parts, unfinished, createLog('silent')) };
}

test('a firing is unfinished until it is durable, so that a stop can wait for it', async () => {
  const durable = Promise.withResolvers<undefined>();
  const fired: string[] = [];
  const { unfinished, fire } = startTrigger((namespace) => {
    fired.push(namespace);
    return durable.promise;
  });
  fire('guest', {});
  expect(unfinished.size).toBe(2);
  const waits = Promise.all(unfinished);
  durable.resolve(undefined);
  await waits;
  expect(fired.toSorted()).toEqual(['guest', 'whisk.system']);
  expect(unfinished.size).toBe(0);
});

test('a firing that fails or has no trigger does not delay a stop', async () => {
  const { unfinished, fire } = startTrigger(async (namespace) => {
    throw functionFault(namespace === 'guest' ? 'NOT_FOUND' : 'STORED_ENTITY_CORRUPT', 'it fails');
  });
  fire('guest', {});
  await Promise.all(unfinished);
  expect(unfinished.size).toBe(0);
});

/** A short run of `npm run test:kill`. */
import { expect, it } from 'vitest';
import { missingForSandboxes } from '../ward.ts';
import { killOverAndOver } from './rounds.ts';

it.skipIf(missingForSandboxes() !== undefined)(
  'a server that is killed at any moment loses nothing that it has acknowledged, and leaves nothing unfinished',
  async () => {
    const answered = await killOverAndOver({ kills: 5, seed: 4 });
    const { calls, firings, writes } = answered;
    for (const count of [calls, firings, writes]) expect(count).toBeGreaterThan(0);
  },
  180_000,
);

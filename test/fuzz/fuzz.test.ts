/** A short run of `npm run fuzz`, and proof that it finds defects. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { missingForSandboxes } from '../ward.ts';
import { attack } from './attack.ts';
import { routes } from './parts/routes.ts';
import { sandboxes } from './parts/sandboxes.ts';
import { sockets } from './parts/sockets.ts';
import { parts } from './parts.ts';
import { serverPart } from './server-part.ts';
import type { Part } from './types.ts';

const missing = missingForSandboxes();
const seed = 1;

function partOf(run: (value: number) => void | Promise<void>): Part {
  return {
    ...{ name: 'planted', share: 1, needsSandboxes: false },
    open: async () => ({
      lanes: 2,
      probes: fc
        .nat(1000)
        .map((value) => ({ target: 'planted', shown: String(value), run: () => run(value) })),
      async [Symbol.asyncDispose]() {},
    }),
  };
}

describe('an attack', () => {
  it('reports every different defect with the smallest input, and goes on', async () => {
    const planted = partOf((value) => {
      if (value > 500) throw new Error('too much');
      if (value === 13) throw new TypeError('bad luck');
    });
    const { inputs, findings } = await attack(planted, { runs: 5000, seed });
    expect(inputs).toBe(5000);
    expect(findings.map(({ what, shown }) => [what.split(' (')[0], shown]).sort()).toEqual([
      ['bad luck', '13'],
      ['too much', '501'],
    ]);
  });

  it('has the same inputs for the same seed', async () => {
    const inputsOf = async (given: number) => {
      const seen: number[] = [];
      await attack(
        partOf((value) => void seen.push(value)),
        { runs: 50, seed: given },
      );
      return seen;
    };
    expect(await inputsOf(3)).toEqual(await inputsOf(3));
    expect(await inputsOf(3)).not.toEqual(await inputsOf(4));
  });
});

describe('a hundred thousand inputs', () => {
  it('are shared out among the parts', () => {
    expect(parts.reduce((sum, { share }) => sum + share, 0)).toBe(100_000);
  });

  it.each(parts.filter(({ needsSandboxes }) => !needsSandboxes))('a few for $name', async (part) => {
    expect(await attack(part, { runs: Math.round(part.share / 50), seed })).toMatchObject({ findings: [] });
  });

  it.skipIf(missing !== undefined)('a few for a server', async () => {
    const all = serverPart({
      ...{ name: 'server', share: 1, lanes: 8 },
      async against(target) {
        const attacks = await Promise.all([routes, sockets, sandboxes].map((part) => part.against(target)));
        const [route, socket, sandbox] = attacks.map(({ probes }) => probes);
        if (!route || !socket || !sandbox) throw new Error('an attack is missing');
        return {
          probes: fc.oneof(
            { weight: 70, arbitrary: route },
            { weight: 20, arbitrary: socket },
            { weight: 1, arbitrary: sandbox },
          ),
        };
      },
    });
    expect(await attack(all, { runs: 700, seed })).toMatchObject({ findings: [] });
  });
});

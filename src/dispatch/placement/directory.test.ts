import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseInvokers } from './choose.ts';
import { createInvokerDirectory } from './directory.ts';
import { groupHash } from './group-hash.ts';
import { reportOf, targetOf } from './placement.fixture.ts';
import type { InvokerDirectory } from './types.ts';

const hello = targetOf('hello');
const hash = groupHash(hello);

function directoryAt(now = { ms: 0 }, localNode?: string): InvokerDirectory {
  return createInvokerDirectory({ now: () => now.ms, localNode, seed: 1 });
}

function only(directory: InvokerDirectory) {
  const [view] = directory.views();
  if (view === undefined) throw new Error('no invoker is known');
  const { active, starting, queued, freeMiB, idleMiB } = view;
  return { active, starting, queued, freeMiB, idleMiB, warm: view.idle.get(hash) ?? 0 };
}

const idleNow = { active: 0, starting: 0, queued: 0, freeMiB: 4096, idleMiB: 0, warm: 0 };

describe('what a directory knows about an invoker', () => {
  it('counts a job until it ends, and then its idle sandbox', () => {
    const directory = directoryAt();
    directory.hear('a', reportOf());
    const sent = directory.send('a', hello);
    expect(only(directory)).toEqual({ ...idleNow, active: 1, starting: 1, freeMiB: 3840 });
    sent.accepted();
    sent.settled('ended');
    expect(only(directory)).toEqual({ ...idleNow, freeMiB: 3840, idleMiB: 256, warm: 1 });
    directory.send('a', hello).accepted();
    expect(only(directory)).toEqual({ ...idleNow, active: 1, freeMiB: 3840 });
  });

  it('counts a job on top of a report that was made before it arrived, and not after', () => {
    const directory = directoryAt();
    directory.hear('a', reportOf());
    const sent = directory.send('a', hello);
    directory.hear('a', reportOf());
    expect(only(directory).active).toBe(1);
    sent.accepted();
    directory.hear('a', reportOf({ busy: 1, usedMiB: 256 }));
    expect(only(directory)).toEqual({ ...idleNow, active: 1, freeMiB: 3840 });
    sent.settled('ended');
    expect(only(directory)).toEqual({ ...idleNow, freeMiB: 3840, idleMiB: 256, warm: 1 });
  });

  it('gives back everything after a refusal', () => {
    const directory = directoryAt();
    directory.hear('a', reportOf());
    directory.send('a', hello).settled('refused');
    expect(only(directory)).toEqual(idleNow);
  });

  it('believes no more in a warm sandbox that did not take a job', () => {
    const directory = directoryAt();
    directory.hear('a', reportOf({ warm: [hello], usedMiB: 256, idleMiB: 256 }));
    directory.send('a', hello).settled('refused');
    expect(only(directory).warm).toBe(0);
  });

  it('takes the load that a reply tells, and adds what is still on its way', () => {
    const directory = directoryAt();
    directory.hear('a', reportOf());
    directory.send('a', hello);
    directory.send('a', hello).accepted({ active: 3, starting: 1, queued: 2, freeMiB: 1024, idleMiB: 512 });
    expect(only(directory)).toMatchObject({ active: 4, starting: 2, queued: 2, freeMiB: 768, idleMiB: 512 });
  });

  it('finds a warm sandbox where it became idle, and forgets it with the invoker', () => {
    const directory = directoryAt();
    for (const node of ['a', 'b', 'c']) directory.hear(node, reportOf());
    const [home = '', next = ''] = directory.choose(hello);
    const sent = directory.send(next, hello);
    sent.settled('ended');
    expect(directory.choose(hello)[0]).toBe(next);
    const late = directory.send(next, hello);
    directory.forget(next);
    late.settled('ended');
    expect(directory.choose(hello)).not.toContain(next);
    expect(directory.choose(hello)[0]).toBe(home);
  });

  it.each(['timed out', 'in trouble'] as const)(
    'rests an invoker after five jobs %s, unless all rest',
    (how) => {
      const now = { ms: 0 };
      const directory = directoryAt(now);
      const restAndChoose = (node: string) => {
        for (let at = 0; at < 5; at++) {
          const good = directory.send(node, hello);
          good.accepted();
          good.settled('ended');
          const sent = directory.send(node, hello);
          // The invoker has it, and only then finds that it can't begin it.
          if (how === 'in trouble') sent.accepted();
          sent.settled(how);
        }
        return directory.choose(hello).toSorted();
      };
      for (const node of ['a', 'b']) directory.hear(node, reportOf());
      expect(restAndChoose('a')).toEqual(['b']);
      expect(restAndChoose('b')).toEqual(['a', 'b']);
      now.ms = 30_000;
      for (const node of ['a', 'b']) directory.hear(node, reportOf());
      expect(restAndChoose('b')).toEqual(['a']);
    },
  );

  it('stops choosing an invoker after 2.5 s of silence, and forgets it after 10 s', () => {
    const now = { ms: 0 };
    const directory = directoryAt(now);
    directory.hear('a', reportOf());
    now.ms = 2_501;
    directory.hear('b', reportOf());
    expect(directory.choose(hello)).toEqual(['b']);
    now.ms = 10_001;
    directory.hear('b', reportOf());
    expect(directory.views().map(({ node }) => node)).toEqual(['b']);
  });

  it('does nothing about a job for an invoker that it does not know', () => {
    const directory = directoryAt();
    const sent = directory.send('gone', hello);
    sent.accepted();
    sent.settled('ended');
    expect(directory.views()).toEqual([]);
  });
});

describe('the choice of a directory', () => {
  const traits = fc.record({
    busy: fc.nat(8),
    queued: fc.constantFrom(0, 100),
    usedMiB: fc.nat(4096),
    warm: fc.subarray([hello]),
    soonFree: fc.subarray([hello]),
    isDraining: fc.boolean(),
  });

  it('is that of the pure function over all views', () => {
    fc.assert(
      fc.property(fc.array(traits, { maxLength: 4 }), fc.boolean(), (all, hasLocal) => {
        const now = { ms: 0 };
        const directory = directoryAt(now, hasLocal ? 'n0' : undefined);
        // Twice, so that what it remembers of other reports must not matter.
        for (const [at] of all.entries())
          directory.hear(`n${at}`, reportOf({ warm: [hello], soonFree: [hello] }));
        directory.choose(hello);
        now.ms = 500;
        for (const [at, each] of all.entries()) directory.hear(`n${at}`, reportOf(each));
        expect(directory.choose(hello)[0]).toBe(chooseInvokers(hello, directory.views(), 1)[0]);
      }),
    );
  });

  it('gathers the sandboxes of an action on one of a hundred invokers', () => {
    const directory = directoryAt();
    for (let at = 0; at < 100; at++) directory.hear(`n${at}`, reportOf());
    const nodes = new Set<string>();
    for (let call = 0; call < 50; call++) {
      const [node = ''] = directory.choose(hello);
      nodes.add(node);
      directory.send(node, hello).settled('ended');
    }
    expect(nodes.size).toBe(1);
  });

  it('gathers them there too when each call arrives at another node, which does not know the calls of the others', () => {
    const nodes = Array.from({ length: 3 }, (_, at) => `n${at}`);
    const directories = nodes.map((node) => directoryAt({ ms: 0 }, node));
    let holder: string | undefined;
    // All reports are made while a call runs.
    const report = () => {
      for (const each of directories)
        for (const name of nodes)
          each.hear(name, reportOf(name === holder ? { soonFree: [hello], busy: 1 } : {}));
    };
    for (let call = 0; call < 12; call++) {
      report();
      const [node = ''] = directories[call % nodes.length]?.choose(hello) ?? [];
      holder ??= node;
      expect(node).toBe(holder);
    }
  });

  it('spreads an action that needs more than its homes have', () => {
    const directory = directoryAt();
    for (let at = 0; at < 100; at++) directory.hear(`n${at}`, reportOf());
    const nodes = new Map<string, number>();
    for (let call = 0; call < 200; call++) {
      const [node = ''] = directory.choose(hello);
      nodes.set(node, (nodes.get(node) ?? 0) + 1);
      directory.send(node, hello);
    }
    expect(nodes.size).toBeGreaterThan(40);
    expect(Math.max(...nodes.values())).toBeLessThanOrEqual(8);
  });
});

describe('an invoker that lies', () => {
  const actions = Array.from({ length: 500 }, (_, at) => targetOf(`action-${at}`));
  const countOf = (directory: InvokerDirectory, node: string) =>
    actions.filter((action) => directory.choose(action)[0] === node).length;
  const largest = { limitMiB: 1e9, processors: 1e6 };

  /** Invokers, of which the first says this of itself. */
  function withLiar(lie: Parameters<typeof reportOf>[0], count = 10): InvokerDirectory {
    const directory = directoryAt();
    for (let at = 0; at < count; at++) directory.hear(`n${at}`, reportOf(at === 0 ? lie : {}));
    return directory;
  }

  it('is the home of four times as many actions as others at the most, whatever it claims to have', () => {
    // Four of thirteen parts, where it would be nearly all.
    expect(countOf(withLiar(largest), 'n0')).toBeLessThan(200);
  });

  it('draws only actions of which it is a home, with warm sandboxes that it claims to have', () => {
    const lie = { warm: actions, soonFree: actions };
    // It is one of four homes among a hundred.
    expect(countOf(withLiar(lie, 100), 'n0')).toBeLessThan(actions.length * 0.07);
  });

  it('is believed about an action that has run there', () => {
    const directory = withLiar({ warm: actions }, 100);
    const elsewhere = actions.find((action) => directory.choose(action)[0] !== 'n0') ?? hello;
    directory.send('n0', elsewhere).settled('ended');
    expect(directory.choose(elsewhere)[0]).toBe('n0');
  });

  it('gets no more jobs than the other homes of an action, when it says that it has none', () => {
    const directory = withLiar({});
    const ofLiar = actions.find((action) => directory.choose(action)[0] === 'n0') ?? hello;
    const lie = { active: 0, starting: 0, queued: 0, freeMiB: 4096, idleMiB: 0 };
    for (let call = 0; call < 200; call++) {
      const [node = ''] = directory.choose(ofLiar);
      const sent = directory.send(node, ofLiar);
      if (node === 'n0') sent.accepted(lie);
    }
    const [liar] = directory.views();
    expect(liar?.sent).toBeLessThan(50);
  });
});

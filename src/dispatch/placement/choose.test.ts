import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { failureOf } from '../../lib/index.ts';
import { dispatchFault } from '../faults.ts';
import { chooseInvokers, mostTries, staleMs } from './choose.ts';
import { groupHash } from './group-hash.ts';
import { homesOf, seedOf } from './homes.ts';
import { able, targetOf, viewOf } from './placement.fixture.ts';
import type { InvokerView } from './types.ts';

const hello = targetOf('hello');
const other = targetOf('other');
const names = ['a', 'b', 'c', 'd', 'e', 'f'];
const choose = (views: readonly InvokerView[], target = hello) => chooseInvokers(target, views, 1);

/** The homes of `hello` among `names`, the best first. */
const homes = homesOf(
  groupHash(hello),
  names.map((node) => ({ node, seed: seedOf(node), memoryLimitMiB: 4096 })),
  names.length,
).map(({ node }) => node);
const [first = '', second = '', third = '', , , last = ''] = homes;
/** All invokers, of which some have these traits. */
const cluster = (traits: Record<string, Parameters<typeof viewOf>[1]> = {}) =>
  names.map((node) => viewOf(node, traits[node]));
const full = { usedMiB: 4096 };

describe('chooseInvokers', () => {
  it.each([
    [
      'the local one that is warm, before another that is warm',
      { [last]: { isLocal: true, warm: [hello] }, [first]: { warm: [hello] } },
      last,
    ],
    [
      'another that is warm, before the local one that is cold',
      { [last]: { isLocal: true }, [second]: { warm: [hello] } },
      second,
    ],
    [
      'one where a sandbox of the action is soon free, before the local one that is cold',
      { [last]: { isLocal: true }, [second]: { soonFree: [hello], busy: 1 } },
      second,
    ],
    [
      'the local one, when a sandbox is soon free there and at another',
      { [last]: { isLocal: true, ...full, soonFree: [hello], busy: 1 }, [second]: { soonFree: [hello] } },
      last,
    ],
    [
      'the local one that is cold, when the one where a sandbox is soon free is crowded',
      { [last]: { isLocal: true }, [second]: { soonFree: [hello], busy: 8 } },
      last,
    ],
    [
      'one where a sandbox is soon free, also when it has no memory for another',
      { [last]: { isLocal: true }, [second]: { ...full, soonFree: [hello], busy: 1 } },
      second,
    ],
    [
      'another that is warm, before the local one that is cold, also when it has more to do',
      { [last]: { isLocal: true }, [second]: { warm: [hello], busy: 6 } },
      second,
    ],
    [
      'the local one that is cold, when another that is warm has twice as many jobs as processors',
      { [last]: { isLocal: true }, [second]: { warm: [hello], busy: 8 } },
      last,
    ],
    [
      'the home, when no invoker is local, before one where a sandbox is soon free',
      { [last]: { soonFree: [hello] } },
      first,
    ],
    ['the local one that is cold, before the home', { [last]: { isLocal: true } }, last],
    ['the home, before the others', {}, first],
    ['the next home, when the first is crowded', { [first]: { busy: 4 } }, second],
    ['the next home, when the first has no memory', { [first]: full }, second],
    ['the home whose idle sandboxes can end', { [first]: { ...full, idleMiB: 256 } }, first],
    ['the next home, when the first starts too many', { [first]: { starting: 8, busy: 0 } }, second],
    ['the home, when the local one is crowded', { [last]: { isLocal: true, busy: 4 } }, first],
    ['the home, when the warm one is crowded', { [last]: { warm: [hello], busy: 8 } }, first],
    [
      'the less loaded one of two that are warm',
      { [last]: { warm: [hello], busy: 1 }, [third]: { warm: [hello], busy: 2 } },
      last,
    ],
    ['the home, when another is warm for another action', { [last]: { warm: [other] } }, first],
    ['the next home, when the first drains', { [first]: { isDraining: true } }, second],
    ['the next home, when the first is silent', { [first]: { ageMs: staleMs + 1 } }, second],
    ['the next home, when the first times out', { [first]: { weight: 0 } }, second],
    ['the next home, when the first gets less work', { [first]: { weight: 0.5, busy: 2 } }, second],
    ['the next home, when the first is too small', { [first]: { limitMiB: 128 } }, second],
  ])('prefers %s', (_, traits, expected) => {
    expect(choose(cluster(traits))[0]).toBe(expected);
  });

  it('keeps a job with its home when all are crowded alike', () => {
    const all = Object.fromEntries(names.map((node) => [node, { busy: 20 }]));
    expect(choose(cluster(all))[0]).toBe(first);
  });

  it('lets a job wait at the least loaded home when no one has memory', () => {
    const all = Object.fromEntries(names.map((node) => [node, { ...full, busy: 16 }]));
    expect(choose(cluster({ ...all, [second]: { ...full, busy: 12 } }))[0]).toBe(second);
  });

  it('returns nothing when all queues are full, and tries at most three', () => {
    const all = Object.fromEntries(names.map((node) => [node, { queued: 100 }]));
    expect(choose(cluster(all))).toEqual([]);
    expect(choose(cluster())).toHaveLength(mostTries);
  });

  it('goes past warm sandboxes when each call gets a fresh one', () => {
    const fresh = { ...hello, scaling: { fresh: true } };
    expect(choose(cluster({ [last]: { warm: [hello] } }), fresh)[0]).toBe(first);
  });

  it('has one place for an action with a maximum of sandboxes, however full it is', () => {
    const limited = { ...hello, scaling: { maxInstances: 2 } };
    const traits = { [last]: { isLocal: true, warm: [hello] } };
    expect(choose(cluster({ ...traits, [first]: { busy: 50 } }), limited)).toEqual([first]);
    expect(choose(cluster({ ...traits, [first]: { queued: 100 } }), limited)).toEqual([]);
    expect(choose(cluster({ ...traits, [first]: { isDraining: true } }), limited)).toEqual([second]);
  });

  it('never sends an action to an invoker that cannot run it', () => {
    const obstacle = failureOf(dispatchFault('IMAGE_UNKNOWN', 'runsc is missing'));
    const unable = { ...able, gvisorObstacle: { ...obstacle, code: 'RUNTIME_MISSING' } };
    const strict = { ...hello, sandbox: { tier: 'gvisor' as const, id: 'gvisor' } };
    const traits = { [first]: { abilities: unable, warm: [strict] }, [second]: { abilities: unable } };
    const chosen = choose(cluster(traits), strict);
    expect(chosen).not.toContain(first);
    expect(chosen).not.toContain(second);
    expect(chosen).toHaveLength(mostTries);
  });

  it('tries as many as it may, also when the local one is a home and one of the others', () => {
    const busy = { ...full, busy: 8 };
    const all = Object.fromEntries(names.map((node) => [node, { ...busy, isLocal: node === first }]));
    const views = cluster({ ...all, [first]: { ...busy, busy: 1, isLocal: true } });
    for (let chance = 0; chance < 20; chance++)
      expect(chooseInvokers(hello, views, chance)).toHaveLength(mostTries);
  });

  const views = fc
    .array(
      fc.record({
        busy: fc.nat(20),
        starting: fc.nat(10),
        queued: fc.nat(120),
        usedMiB: fc.nat(4096),
        idleMiB: fc.nat(1024),
        warm: fc.subarray([hello, other]),
        isDraining: fc.boolean(),
        ageMs: fc.nat(4000),
        weight: fc.constantFrom(0, 0.5, 1),
        isLocal: fc.boolean(),
      }),
      { maxLength: 12 },
    )
    .map((all) =>
      all.map((traits, at) => viewOf(`n${at}`, { ...traits, isLocal: traits.isLocal && at === 0 })),
    );

  const isHeard = ({ report, ageMs }: InvokerView) => !report.isDraining && ageMs <= staleMs;

  it('never chooses one that drains, is silent or full, a slow one only if all are, and none twice', () => {
    fc.assert(
      fc.property(views, fc.nat(), (all, chance) => {
        const chosen = chooseInvokers(hello, all, chance);
        const isAnyHealthy = all.filter(isHeard).some(({ weight }) => weight > 0);
        expect(new Set(chosen).size).toBe(chosen.length);
        for (const node of chosen) {
          const view = all.find((each) => each.node === node);
          expect(view?.report.isDraining).toBe(false);
          expect(view?.ageMs).toBeLessThanOrEqual(staleMs);
          if (isAnyHealthy) expect(view?.weight).toBeGreaterThan(0);
          expect(view?.queued).toBeLessThan(100);
        }
      }),
    );
  });

  it('finds an invoker whenever there is one, and answers the same in any order', () => {
    fc.assert(
      fc.property(views, (all) => {
        const heard = all.filter(isHeard);
        const healthy = heard.filter(({ weight }) => weight > 0);
        const usable = healthy.length > 0 ? healthy : heard;
        const isThere = usable.some(({ queued, report }) => queued < report.mostQueued);
        // All of so few are homes or others.
        const few = all.slice(0, 4);
        expect(chooseInvokers(hello, few, 1)).toEqual(chooseInvokers(hello, few.toReversed(), 1));
        if (all.length <= 4) expect(chooseInvokers(hello, all, 1).length > 0).toBe(isThere);
      }),
    );
  });
});

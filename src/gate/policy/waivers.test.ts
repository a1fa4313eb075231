import { describe, expect, it } from 'vitest';
import { isFault } from '../../lib/index.ts';
import { defaultPolicy, parsePolicy, rulesFor } from './policy.ts';
import { newWaiver, parseWaiver, parseWaivers } from './waivers.ts';

const now = Date.parse('2026-11-29T12:00:00Z');
const asked = { finding: 'CVE-1', reason: 'not used', expires: '2026-11-29' };

function codeOf(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    return isFault(error) ? `${error.code} ${error.message}` : undefined;
  }
  return undefined;
}

describe('a waiver', () => {
  it('counts for the namespaces that it names, beside the ignore list of the policy', () => {
    const waivers = [
      newWaiver(asked, 'ada', now),
      newWaiver({ ...asked, finding: 'CVE-2', namespace: 'dev-*', purl: 'pkg:npm/a' }, 'ada', now),
    ];
    const text =
      'form: 1\nrules: { ignore: [{ id: CVE-0, reason: not used, by: ada, expires: 2027-01-01 }] }';
    const policy = parsePolicy(text, waivers);
    const idsFor = (namespace: string) => rulesFor(policy, namespace, 'push').ignore.map(({ id }) => id);
    expect(idsFor('guest')).toEqual(['CVE-0', 'CVE-1']);
    expect(idsFor('dev-x')).toEqual(['CVE-0', 'CVE-1', 'CVE-2']);
    const revisions = [policy, parsePolicy(text), defaultPolicy(waivers), defaultPolicy()].map(
      ({ revision }) => revision,
    );
    expect(new Set(revisions).size).toBe(4);
  });

  it('is read as it was written', () => {
    const waivers = [newWaiver({ ...asked, path: '/a/*' }, 'ada', now)];
    expect(waivers.flatMap((each) => parseWaiver(JSON.stringify(each)))).toEqual(waivers);
    expect(parseWaivers(JSON.stringify({ form: 1, waivers }))).toEqual(waivers);
    expect([parseWaiver('{}'), parseWaiver('no')]).toEqual([[], []]);
    expect(codeOf(() => parseWaivers('{"form":1,"waivers":[{}]}'))).toMatch(/^POLICY_INVALID /);
    expect(codeOf(() => parseWaivers('nothing'))).toMatch(/^POLICY_INVALID /);
  });

  it.each([
    [{ expires: '2026-11-28' }, /^WAIVER_INVALID expires: 2026-11-28 is over/],
    [{ expires: 'never' }, /^WAIVER_INVALID expires: /],
    [{ reason: ' ' }, /^WAIVER_INVALID reason: /],
    [{ by: 'eve' }, /^WAIVER_INVALID the body: .*by/],
    [{ purl: 'lodash' }, /^WAIVER_INVALID purl: not a package URL/],
    [{ id: 'mine' }, /^WAIVER_INVALID the body: /],
  ])('with %j is refused', (more, message) => {
    expect(codeOf(() => newWaiver({ ...asked, ...more }, 'ada', now))).toMatch(message);
  });

  it.each([undefined, null, 'text', []])('is not made of %j', (given) => {
    expect(codeOf(() => newWaiver(given, 'ada', now))).toMatch(/^WAIVER_INVALID /);
  });
});

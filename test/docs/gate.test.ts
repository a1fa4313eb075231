/** docs/gate.md has every key of a policy, and its example is a valid policy. */
import { expect, test } from 'vitest';
import { gateFaults } from '../../src/gate/faults.ts';
import { checkPolicyText, defaultPolicy, parsePolicy, rulesFor, stages } from '../../src/gate/index.ts';
import { rootOfLog } from '../../src/gate/trust/sigstore.fixture.ts';
import { codeBlocksOf, codeWordsOf, readText, tableOf } from './markdown.ts';

const document = readText('docs/gate.md');

test('the example is a policy', () => {
  const [example] = codeBlocksOf(document).filter(({ info }) => info === 'yaml');
  const policy = parsePolicy(example?.text ?? '');
  expect(rulesFor(policy, 'production', 'run').signatures).toMatchObject({
    action: 'deny',
    keys: ['release'],
  });
  expect(rulesFor(policy, 'guest', 'run').signatures.action).toBe('allow');
});

test('the example of signers is a policy, and makes sense', () => {
  const [, example] = codeBlocksOf(document).filter(({ info }) => info === 'yaml');
  const text = (example?.text ?? '').replace(/sigstore: '.*'/, `sigstore: '${rootOfLog()}'`);
  expect(checkPolicyText(text)).toEqual([]);
  const { signatures, provenance } = rulesFor(parsePolicy(text), 'guest', 'run');
  expect([signatures.identities, provenance.refs]).toEqual([['ci'], ['refs/tags/*']]);
});

test('every rule is listed', () => {
  const rules = rulesFor(defaultPolicy(), 'guest', 'push');
  const keys = tableOf(document, 'key').rows.flatMap(([key = '']) => codeWordsOf(key));
  const expected = Object.entries(rules).flatMap(([name, rule]) =>
    name === 'vulnerabilities' ? Object.keys(rule).map((key) => `${name}.${key}`) : [name],
  );
  expect(keys.toSorted()).toEqual(expected.toSorted());
});

test('every key of a rule is in its row', () => {
  const rules = rulesFor(defaultPolicy(), 'guest', 'push');
  const { limits, unknown, graceDays, epss } = rules.vulnerabilities;
  const {
    artifacts,
    reports,
    distribution,
    advisories,
    bases,
    signatures,
    malware,
    attestations,
    provenance,
  } = rules;
  for (const part of [
    limits,
    unknown,
    graceDays,
    epss,
    artifacts,
    reports,
    distribution,
    advisories,
    bases,
    signatures,
    attestations,
    provenance,
    malware,
  ]) {
    for (const key of Object.keys(part)) expect(document).toMatch(new RegExp(`\`${key}\\b`));
  }
});

test('every stage is listed', () => {
  expect(tableOf(document, 'stage').rows.map(([stage = '']) => codeWordsOf(stage)[0])).toEqual([...stages]);
});

test('its faults are in the list of errors', () => {
  for (const code of Object.keys(gateFaults))
    expect(readText('docs/reference/errors.md')).toContain(`\`${code}\``);
});

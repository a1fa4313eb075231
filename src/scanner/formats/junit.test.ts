import { expect, test } from 'vitest';
import { clean, compared, hostile, injection, judged, miner, token, unlooked } from './formats.fixture.ts';
import { formatReport } from './formats.ts';

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
  text: string;
}

const attribute = String.raw`[a-z]+="(?:[^<&"\n\t]|&(?:amp|lt|gt|quot|apos|#\d+);)*"`;
const tag = new RegExp(
  String.raw`<(/?)([a-z-]+)((?: ${attribute})*)(/?)>|((?:[^<&]|&(?:amp|lt|gt|#\d+);)+)`,
  'y',
);

/** Reads just this XML, and refuses documents that are not well-formed. */
function parse(document: string): Element {
  expect(document).toMatch(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for
  expect(document).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Cs}/u);
  const top: Element = { name: '', attributes: {}, children: [], text: '' };
  const open = [top];
  tag.lastIndex = document.indexOf('\n') + 1;
  while (tag.lastIndex < document.length) {
    const at = tag.lastIndex;
    const [, closes, name = '', attributes = '', ends, text] = tag.exec(document) ?? [];
    const current = open.at(-1) ?? top;
    if (text !== undefined) current.text += decoded(text);
    else if (closes === '/') expect(open.pop()?.name).toBe(name);
    else if (closes === undefined) throw new Error(`not well formed at ${document.slice(at, at + 40)}`);
    else {
      const element = { name, attributes: attributesOf(attributes), children: [], text: '' };
      current.children.push(element);
      if (ends !== '/') open.push(element);
    }
  }
  expect(open).toEqual([top]);
  expect(top.children).toHaveLength(1);
  return top.children[0] ?? top;
}

function attributesOf(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/([a-z]+)="([^"]*)"/g)].map(([, key, value]) => [key, decoded(value ?? '')]),
  );
}

function decoded(text: string): string {
  const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  return text.replaceAll(
    /&(?:#(\d+)|(\w+));/g,
    (_, code, name) => named[name] ?? String.fromCodePoint(Number(code)),
  );
}

const suites = parse(formatReport('junit', judged));
const tests = suites.children.flatMap(({ children }) => children.filter(({ name }) => name === 'testcase'));
const testOf = (id: string) => tests.find(({ attributes }) => attributes['name']?.startsWith(`${id} `));
const outcomeOf = (id: string) => testOf(id)?.children[0]?.name;

test('a suite for each class with findings, and one for the policy', () => {
  expect(suites.children.map(({ attributes }) => attributes['name'])).toEqual([
    'policy',
    'malware',
    'vulnerabilities',
    'secrets',
    'misconfiguration',
    'not read',
  ]);
});

test('only findings that break the policy fail', () => {
  expect([outcomeOf(injection.id), outcomeOf(miner.id)]).toEqual(['failure', 'failure']);
  expect([outcomeOf(token.id), outcomeOf('ward:config/root')]).toEqual(['system-out', 'system-out']);
  expect(outcomeOf('CVE-2020-8203')).toBe('skipped');
  expect(testOf(injection.id)?.children[0]?.text).toMatch(
    /update lodash to 4\.17\.21\nat: app\/node_modules/,
  );
});

test('reasons of the policy are tests, and denials fail', () => {
  const [policy] = suites.children;
  const named = policy?.children
    .slice(1)
    .map(({ attributes, children }) => [attributes['name'], children[0]?.name]);
  expect(named).toEqual([
    ['verdict', 'failure'],
    ['vulnerabilities', 'failure'],
    ['advisories.stale', 'system-out'],
  ]);
});

test('an impossible search is an error, and so is the verdict; findings still fail', () => {
  const [policy, malware] = parse(formatReport('junit', unlooked)).children;
  const named = policy?.children
    .slice(1)
    .map(({ attributes, children }) => [attributes['name'], children[0]?.name]);
  expect(named).toEqual([
    ['verdict', 'error'],
    ['malware', 'failure'],
    ['advisories.missing', 'error'],
  ]);
  expect(malware?.attributes).toMatchObject({ failures: '1', errors: '0' });
});

test('an unreadable part is an error', () => {
  expect(suites.children.at(-1)?.children[1]).toMatchObject({
    attributes: { name: 'app/broken.jar' },
    children: [{ name: 'error' }],
  });
});

test('the counts match the tests', () => {
  const count = (name: string) => tests.filter(({ children }) => children[0]?.name === name).length;
  expect(suites.attributes).toMatchObject({
    tests: String(tests.length),
    failures: String(count('failure')),
    errors: '1',
  });
  const skipped = suites.children.reduce((total, { attributes }) => total + Number(attributes['skipped']), 0);
  expect(skipped).toBe(1);
  const sum = suites.children.reduce((total, { attributes }) => total + Number(attributes['tests']), 0);
  expect(sum).toBe(tests.length);
});

test('untrusted text stays text', () => {
  const shown = tests.find(({ attributes }) => attributes['name']?.includes('X-]]>'));
  expect(shown?.attributes['name']).toBe(`X-]]>"&<\ufffd a"b<c>\n& 4.17.20 (low)`);
  expect(shown?.children[0]?.text).toContain('</testcase>]]>\ufffd[2J\ufffd [click]');
  expect(shown?.children[0]?.text).toContain(hostile.severity);
});

test('a clean report still has a test, which passes', () => {
  const document = parse(formatReport('junit', clean));
  expect(document.attributes).toMatchObject({ tests: '1', failures: '0', errors: '0' });
});

/** Facts from Jenkins' junit-10.xsd about the used elements: allowed children and required attributes. */
const allowed: Readonly<
  Record<string, { readonly children: string[]; readonly must: string[]; readonly may: string[] }>
> = {
  testsuites: {
    children: ['testsuite'],
    must: [],
    may: ['name', 'time', 'tests', 'failures', 'errors'],
  },
  testsuite: {
    children: ['properties', 'testcase', 'system-out', 'system-err'],
    must: ['name', 'tests', 'failures', 'errors'],
    may: ['skipped', 'time', 'timestamp', 'hostname', 'id', 'package'],
  },
  properties: { children: ['property'], must: [], may: [] },
  property: { children: [], must: ['name', 'value'], may: [] },
  testcase: {
    children: ['skipped', 'error', 'failure', 'system-out', 'system-err'],
    must: ['name'],
    may: ['classname', 'time'],
  },
  skipped: { children: [], must: [], may: ['type', 'message'] },
  error: { children: [], must: [], may: ['type', 'message'] },
  failure: { children: [], must: [], may: ['type', 'message'] },
  'system-out': { children: [], must: [], may: [] },
};

function misfits({ name, attributes, children }: Element): string[] {
  const rule = allowed[name];
  if (rule === undefined) return [name];
  const known = [...rule.must, ...rule.may];
  return [
    ...Object.keys(attributes)
      .filter((key) => !known.includes(key))
      .map((key) => `${name}@${key}`),
    ...rule.must.filter((key) => attributes[key] === undefined).map((key) => `${name} without ${key}`),
    ...children
      .filter((child) => !rule.children.includes(child.name))
      .map((child) => `${name}/${child.name}`),
    ...children.flatMap(misfits),
  ];
}

test('the output only has parts that the schema knows', () => {
  expect(suites.name).toBe('testsuites');
  expect(misfits(suites)).toEqual([]);
  const times = suites.children.map(({ attributes }) => attributes['timestamp'] ?? '');
  for (const time of times) expect(time).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$/);
});

test('a finding from before is skipped, and says where it was', () => {
  const [skipped] = parse(formatReport('junit', compared))
    .children.flatMap(({ children }) => children)
    .filter(({ attributes }) => attributes['name']?.startsWith(token.id))
    .flatMap(({ children }) => children);
  expect(skipped).toMatchObject({
    name: 'skipped',
    attributes: { message: 'it was there before: oci:./base has it too' },
  });
});

test('names, messages and texts are cut, but not inside a character', () => {
  const long = '\u{1f600}'.repeat(10_000);
  const places = Array.from({ length: 3000 }, () => ({ path: long }));
  const finding = { ...injection, id: long, title: long, places };
  const [, suite] = parse(
    formatReport('junit', { ...clean, report: { ...clean.report, findings: [finding] } }),
  ).children;
  const shown = suite?.children.find(({ name }) => name === 'testcase');
  expect(shown?.attributes['name']?.length).toBeLessThanOrEqual(1000);
  expect(shown?.children[0]?.text.length).toBeLessThanOrEqual(5000);
});

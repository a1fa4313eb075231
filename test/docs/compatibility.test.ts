/** docs/compatibility.md has every path of OpenWhisk's specification and every command, and its tests exist. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { operations } from '../../src/api/docs/operations.ts';
import { commandsOf } from '../../src/cli/command-spec.ts';
import { entries } from '../../src/cli/registry.ts';
import { sharedData } from '../../src/scanner/shared-data.fixture.ts';
import { expectTests, plain, readText, tableOf } from './markdown.ts';

const document = readText('docs/compatibility.md');
const rows = tableOf(document, 'path').rows.map(([path = '', methods = '', proof = '']) => ({
  path: plain(path),
  methods: methods.split(', '),
  proof,
}));
const known = new Set(['get', 'put', 'post', 'delete']);

test('every path of the specification is listed, with its methods', (context) => {
  const specification = sharedData(context, 'openwhisk/apiv1swagger.json');
  const { paths }: { paths: Record<string, object> } = JSON.parse(readFileSync(specification, 'utf8'));
  expect(Object.keys(paths).length).toBeGreaterThan(10);
  for (const [path, operations] of Object.entries(paths)) {
    const row = rows.find((each) => each.path === path);
    expect(row, path).toBeDefined();
    const methods = Object.keys(operations).filter((method) => known.has(method));
    expect(row?.methods, path).toEqual(expect.arrayContaining(methods.map((method) => method.toUpperCase())));
  }
});

test('the API’s own document has what the specification has, under the same ids', (context) => {
  const path = sharedData(context, 'openwhisk/apiv1swagger.json');
  const { paths }: { paths: Record<string, Record<string, { operationId?: string }>> } = JSON.parse(
    readFileSync(path, 'utf8'),
  );
  const theirs = Object.entries(paths).flatMap(([each, item]) =>
    Object.entries(item)
      .filter(([method]) => method !== 'parameters')
      .map(([method, { operationId }]) => ({ path: each, method, id: operationId ?? expect.any(String) })),
  );
  expect(theirs.length).toBeGreaterThan(30);
  for (const each of theirs) expect(operations).toContainEqual(expect.objectContaining(each));
});

const commandRows = tableOf(document, 'command').rows.map(([commands = '', proof = '']) => ({
  commands: plain(commands),
  proof,
}));

test('every command is listed', () => {
  const told = commandRows.flatMap(({ commands }) => {
    const [first = '', ...more] = commands.split(', ');
    const group = first.split(' ').slice(0, -1);
    return [first, ...more.map((verb) => [...group, verb].join(' '))];
  });
  expect(told.toSorted()).toEqual(
    commandsOf(entries)
      .map(([words]) => words)
      .toSorted(),
  );
});

const differences = tableOf(document, 'what').rows.map((row) => ({ proof: row.at(-1) ?? '' }));

test.each([...rows, ...commandRows, ...differences])('its tests exist: $proof', ({ proof }) => {
  expectTests(proof);
});

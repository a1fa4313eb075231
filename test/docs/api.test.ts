/** docs/api.md has the true limits, and the fixed texts that clients can match. */
import { globSync } from 'node:fs';
import { expect, test } from 'vitest';
import { defaultApiLimits } from '../../src/api/api-limits.ts';
import { streamsOfNamespaces } from '../../src/api/open-streams.ts';
import { waitReasons } from '../../src/dispatch/index.ts';
import { defaultLimits } from '../../src/functions/index.ts';
import { codeArchiveLimits } from '../../src/images/index.ts';
import { formatSize } from '../../src/lib/index.ts';
import { columnsOf, expectTests, plain, readText, root, tableOf } from './markdown.ts';

const document = readText('docs/api.md');

test('the limits', () => {
  const kibibytes = (bytes: number) => `${bytes / 1024} KiB`;
  const seconds = (ms: number) => `${ms / 1000} s`;
  expect(columnsOf(tableOf(document, 'limit'), 'limit', 'value')).toEqual({
    'code, as it is sent': formatSize(defaultLimits.codeBytes),
    'all parameters, or annotations, of an action': formatSize(defaultLimits.parametersBytes),
    'payload of a call': formatSize(defaultLimits.payloadBytes),
    result: formatSize(defaultLimits.resultBytes),
    name: '256 characters',
    'entries in a zip': String(codeArchiveLimits.maxEntries),
    'content of a zip': formatSize(codeArchiveLimits.maxTotalBytes),
    'one file in a zip': formatSize(codeArchiveLimits.maxEntryBytes),
    'folders deep in a zip': String(codeArchiveLimits.maxPathDepth),
    'list: default, most': `${defaultLimits.list.default}, ${defaultLimits.list.max}`,
    URL: kibibytes(defaultApiLimits.urlBytes),
    'head of a request': kibibytes(defaultApiLimits.headBytes),
    'time for a head': seconds(defaultApiLimits.headTimeoutMs),
    'time for a whole request': seconds(defaultApiLimits.requestTimeoutMs),
    connections: String(defaultApiLimits.connections),
    'connections without a key, of one address': String(defaultApiLimits.connectionsPerAddress),
    'event streams of a namespace, at once': String(defaultApiLimits.streamsPerNamespace),
    'event streams of all namespaces, at once': String(streamsOfNamespaces(defaultApiLimits)),
    'event streams of all operators, at once': String(defaultApiLimits.streamsPerNamespace),
    'large bodies in memory at once': formatSize(defaultApiLimits.uploadBytes),
  });
});

test('the texts of failed activations', () => {
  const source = [
    'dispatch/faults.ts',
    'dispatch/result-limit.ts',
    'invoker/runner/outcomes.ts',
    'invoker/runner/runner-process.ts',
  ]
    .map((file) => readText(`src/${file}`))
    .join('');
  const { rows } = tableOf(document, 'text');
  expect(rows.length).toBeGreaterThan(8);
  for (const [text = ''] of rows) {
    const [start = ''] = plain(text).split(/ N |…/);
    expect(source).toContain(start.trimEnd());
  }
});

test('the reasons of a wait, those that say most first', () => {
  const { rows } = tableOf(document, '`waitReason`');
  expect(rows.map(([reason = '']) => plain(reason))).toEqual(waitReasons);
});

const differences = tableOf(document, 'difference').rows;

test('differences are listed', () => {
  expect(differences.length).toBeGreaterThan(25);
});

test.each(differences)('a difference has its test: %s', (_difference, proof = '') => {
  expectTests(proof);
});

test('the environment of a function', () => {
  const sources = globSync('src/invoker/**/*.ts', { cwd: root }).filter((path) => !path.endsWith('.test.ts'));
  const files = sources.map(readText).join('\n');
  const read = new Set([...files.matchAll(/\b(__OW_[A-Z_]+)\b/g)].map((match) => match[1] ?? ''));
  const told = new Set([...document.matchAll(/`(__OW_[A-Z_]+)`/g)].map((match) => match[1] ?? ''));
  expect([...told].sort()).toEqual([...read].sort());
});

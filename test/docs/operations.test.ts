/** docs/operations.md has every key of the configuration, every variable and every exit code. */
import { globSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { statusOfKind } from '../../src/api/faults.ts';
import { exitActionError, exitCodeOf } from '../../src/cli/faults.ts';
import { defaultLimits } from '../../src/functions/limits.ts';
import { type FaultKind, formatSize } from '../../src/lib/index.ts';
import { defaultCeiling } from '../../src/sandbox/operator.ts';
import { strictPolicy } from '../../src/sandbox/policy.ts';
import { loadConfig } from '../../src/server/config/config.ts';
import { systemLimits } from '../../src/server/config/limits.ts';
import { dataPaths } from '../../src/server/instance/instance.ts';
import { keptData } from '../../src/server/platform/kept-data.ts';
import { faults, shortRuns } from '../chaos/faults.ts';
import { codeBlocksOf, columnsOf, expectTests, plain, readText, root, tableOf } from './markdown.ts';

const document = readText('docs/operations.md');
const keys = columnsOf(tableOf(document, 'key'), 'key', 'default');

/** Reads a configuration file with this content. */
async function load(content: string): ReturnType<typeof loadConfig> {
  const folder = await mkdtemp(join(tmpdir(), 'ward-config-'));
  try {
    const configFile = join(folder, 'ward.yaml');
    await writeFile(configFile, content);
    return await loadConfig({ configFile }, {});
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A configuration with null at `a.b[].c`: the one value that no key accepts. */
function withNull(key: string): unknown {
  return key.split('.').reduceRight<unknown>((value, part) => {
    return part.endsWith('[]') ? { [part.slice(0, -2)]: [value] } : { [part]: value };
  }, null);
}

test.each(Object.keys(keys))('there is a key %s', async (key) => {
  const path = key.replaceAll('[]', '.0').replaceAll('.', '\\.');
  await expect(load(stringify(withNull(key)))).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(`(?:^|[ ;])${path}(?:\\.\\w+)?: (?!Unrecognized)`),
  });
});

test('what Ward keeps, and how long', async () => {
  const kept = keptData(await load(''));
  const { rows } = tableOf(document, '`what`', 'What Ward keeps');
  expect(rows.map((row) => row.map(plain))).toEqual(
    kept.map(({ what, days, most, per, until, settings: [age, number] }) => [
      ...[what, age ?? days?.toString() ?? '', number ?? (most === null ? '' : `${most} per ${per}`)],
      until ?? '',
    ]),
  );
});

test('an unknown key is refused', async () => {
  await expect(load('limits: {timeout: 1}')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});

test('no key of the code is missing', () => {
  const named = new Set(Object.keys(keys).flatMap((key) => key.replaceAll('[]', '').split('.')));
  const sources: readonly (readonly [file: string, from: string])[] = [
    ['src/server/config/config-file.ts', 'const fileSchema'],
    ['src/sandbox/operator.ts', 'export const operatorPolicySchema'],
  ];
  for (const [file, from] of sources) {
    const schema = readText(file).split(from)[1]?.split('\n});')[0] ?? '';
    const words = [
      ...schema.matchAll(/\b([a-z]\w*): ?(?=z\b|size|cpus|pids|runtime|rangeSchema|count|operator|\n)/g),
    ];
    expect(words.length).toBeGreaterThan(15);
    for (const match of words) expect(named, file).toContain(match[1]);
  }
});

test('the defaults', async () => {
  const { listen, dataDir, imagesDir, logLevel, invoker, retention } = await loadConfig({}, {});
  const { io } = strictPolicy;
  const yesNo = (value: boolean) => (value ? 'yes' : 'no');
  const ranges = (['timeoutMs', 'memoryMiB', 'logMiB', 'concurrency'] as const).flatMap((name) =>
    (['min', 'max', 'default'] as const).map((end) => [
      `limits.${name}.${end}`,
      String(defaultLimits[name][end]),
    ]),
  );
  const spans = (['cpus', 'diskMiB'] as const).flatMap((name) =>
    (['min', 'max'] as const).map((end) => [`limits.${name}.${end}`, String(defaultLimits[name][end])]),
  );
  const rates = (
    [
      'invocationsPerMinute',
      'concurrentInvocations',
      'firesPerMinute',
      'blockingWaitMs',
      'sequenceLength',
    ] as const
  ).map((name) => [`limits.${name}`, String(defaultLimits[name])]);
  const sizes = (['codeBytes', 'parametersBytes', 'payloadBytes', 'resultBytes'] as const).map((name) => [
    `limits.${name}`,
    formatSize(defaultLimits[name]),
  ]);
  expect(keys).toMatchObject({
    listen: `${listen.host}:${listen.port}`,
    data: dataDir,
    images: imagesDir,
    logLevel,
    'invoker.maxQueued': String(invoker.maxQueued),
    'invoker.freezeAfterMs': String(invoker.freezeAfterMs),
    'invoker.keepAliveMs': String(invoker.keepAliveMs),
    ...Object.fromEntries([...ranges, ...spans, ...rates, ...sizes]),
    'limits.list.default': String(defaultLimits.list.default),
    'limits.list.max': String(defaultLimits.list.max),
    'parameters.keyFile': `${basename(dataPaths('/').parameterKeys)} in the data folder`,
    'retention.maxAgeDays': String(retention.maxAgeDays),
    'retention.maxRecordsPerNamespace': String(retention.maxRecordsPerNamespace),
    'retention.everyMinutes': String(retention.everyMinutes),
    'sandbox.runtime': strictPolicy.runtime,
    'sandbox.memory': formatSize(strictPolicy.memoryBytes),
    'sandbox.cpus': String(strictPolicy.cpus),
    'sandbox.cpuWeight': String(strictPolicy.cpuWeight),
    'sandbox.pidsLimit': String(strictPolicy.pidsLimit),
    'sandbox.io.weight': String(io?.weight),
    'sandbox.io.readBytesPerSecond': formatSize(io?.readBytesPerSecond ?? 0),
    'sandbox.io.writeBytesPerSecond': formatSize(io?.writeBytesPerSecond ?? 0),
    'sandbox.landlock': yesNo(strictPolicy.landlock !== undefined),
    'sandbox.allow.memory': formatSize(defaultCeiling.memoryBytes),
    'sandbox.allow.cpus': String(defaultCeiling.cpus),
    'sandbox.allow.pidsLimit': String(defaultCeiling.pidsLimit),
    'sandbox.allow.tmpfs': formatSize(defaultCeiling.tmpfsBytes),
    'sandbox.allow.runtimes': defaultCeiling.runtimes.join(', '),
    'sandbox.allow.execTmpfs': yesNo(defaultCeiling.execTmpfs),
  });
  expect(invoker.prewarm).toEqual([
    { kind: 'nodejs:24', memoryMiB: 256, count: 2 },
    { kind: 'python:3.13', memoryMiB: 256, count: 1 },
  ]);
});

test('the examples of the configuration are accepted', async () => {
  const examples = ['docs/operations.md', 'docs/sandbox.md'].flatMap((path) =>
    codeBlocksOf(readText(path)).filter(({ info }) => info === 'yaml'),
  );
  expect(examples).toHaveLength(9);
  for (const { text } of examples) systemLimits(await load(text));
});

test('every environment variable is listed', () => {
  const told = tableOf(document, 'variable').rows.map(([name = '']) => plain(name));
  const files = globSync(['src/**/*.ts', 'bin/*.mjs', 'scripts/**/*.mjs'], {
    cwd: root,
    exclude: (path) => /\.(?:test|fixture)\.ts$/.test(path),
  });
  const text = files.map(readText).join('\n');
  const read = [...text.matchAll(/env(?:\['|\.)([A-Z][A-Z_]+)\b/g)].map((match) => match[1] ?? '');
  // Variables of the system, not Ward's.
  const systems = ['PATH', 'HOME', 'TERM'];
  const settings = ['WARD', 'WHISK'].flatMap((who) =>
    ['APIHOST', 'AUTH', 'NAMESPACE'].map((name) => `${who}_${name}`),
  );
  const all = [...new Set([...read.filter((name) => !systems.includes(name)), ...settings])];
  expect(told.toSorted()).toEqual(all.toSorted());
});

test('exit codes', () => {
  const told = tableOf(document, 'exit').rows.map(([exit]) => Number(exit));
  const kinds = Object.keys(statusOfKind).filter((kind): kind is FaultKind => kind in statusOfKind);
  const used = [...kinds.map(exitCodeOf), exitActionError, 0, 130];
  expect(told).toEqual([...new Set(used)].toSorted((a, b) => a - b));
});

describe('faults', () => {
  const { rows } = tableOf(document, 'fault', 'Faults');
  const inSoak = rows.filter(([name = '']) => name.startsWith('`'));

  test('each of `npm run test:chaos` has a row, and no row names another', () => {
    expect(inSoak.map(([name = '']) => plain(name))).toEqual(faults.map(({ name }) => name));
    expect(rows.length).toBeGreaterThan(inSoak.length);
  });

  test.each(rows.map(([name = '', , , , tests = '']) => [name, tests]))('%s: its tests exist', (_, tests) => {
    expectTests(tests);
  });

  test('the rows that name the short soak are in it', () => {
    const named = inSoak.filter(([, , , , tests = '']) => tests.includes('`test/chaos/chaos.test.ts`'));
    expect(named.map(([name = '']) => plain(name)).toSorted()).toEqual(shortRuns.flat().toSorted());
  });
});

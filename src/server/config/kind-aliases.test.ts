import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runtimeKinds } from '../../images/index.ts';
import { loadConfig } from './config.ts';
import { kindBehind, runtimesWithAliases } from './kind-aliases.ts';
import type { KindAliases } from './kind-aliases-setting.ts';

const kinds = runtimeKinds();
const runsAs = (aliases?: KindAliases) =>
  new Map(runtimesWithAliases(kinds, aliases).map((runtime) => [runtime.kind, runtime.runsAs]));

describe('Ward’s own table', () => {
  const own = runsAs();

  test.each([
    // OpenWhisk's runtimes.json had these, and Adobe I/O Runtime has them.
    [['nodejs', 'nodejs:6', 'nodejs:8', 'nodejs:10', 'nodejs:12'], 'nodejs:22-openwhisk'],
    [['nodejs:14', 'nodejs:16', 'nodejs:18', 'nodejs:20'], 'nodejs:22-openwhisk'],
    [['python:3', 'python:3.6', 'python:3.7', 'python:3.9'], 'python:3.13-openwhisk'],
    [['python:3.10', 'python:3.11', 'python:3.12'], 'python:3.13-openwhisk'],
    [['java', 'java:8'], 'java:21'],
    [['go:1.11', 'go:1.15', 'go:1.17', 'go:1.20'], 'go:1.24'],
    [['php:7.3', 'php:7.4', 'php:8.0', 'php:8.1'], 'php:8.4'],
    [['ruby:2.5', 'ruby:2.6'], 'ruby:3.3'],
  ])('has %j, run by %s', (names, kind) => {
    expect(names.map((name) => own.get(name))).toEqual(names.map(() => kind));
  });

  test('changes no kind and no family’s default', () => {
    for (const { kind } of kinds) expect(own.has(kind) && own.get(kind) === undefined).toBe(true);
    const defaults = runtimesWithAliases(kinds, undefined).filter((runtime) => runtime.default);
    expect(defaults.map(({ kind }) => kind)).toEqual(
      kinds.flatMap((kind) => (kind.default ? [kind.kind] : [])),
    );
  });

  test('has no kind that Ward cannot run', () => {
    expect(
      [...own.keys()].filter((kind) => /^(?:python:?2|python$|swift|dotnet|rust|ballerina)/.test(kind)),
    ).toEqual([]);
  });

  test('requires a main function if its kind does', () => {
    const java = runtimesWithAliases(kinds, undefined).find(({ kind }) => kind === 'java:8');
    expect(java).toMatchObject({ requireMain: true, default: false, runsAs: 'java:21' });
  });
});

describe('the operator’s changes', () => {
  test('override it', () => {
    const table = runsAs({ 'nodejs:18': 'nodejs:24', 'python:3.9': null, 'ruby:1.9': 'ruby:3.3' });
    expect(table.get('nodejs:18')).toBe('nodejs:24');
    expect(table.has('python:3.9')).toBe(false);
    expect(table.get('ruby:1.9')).toBe('ruby:3.3');
    expect(table.get('nodejs:20')).toBe('nodejs:22-openwhisk');
  });

  test('turn it off', () => {
    expect([...runsAs(false).keys()]).toEqual(kinds.map(({ kind }) => kind));
    expect(kindBehind('nodejs:14', false)).toBe('nodejs:14');
    expect(kindBehind('nodejs:14', true)).toBe('nodejs:22-openwhisk');
  });

  test.each([
    [
      { 'nodejs:14': 'nodejs:14' },
      "'nodejs:14' stands for 'nodejs:14', which is not a kind of this platform",
    ],
    [{ 'nodejs:99': 'nodejs:20' }, "'nodejs:99' stands for 'nodejs:20', which is not a kind"],
    [{ 'nodejs:24': 'nodejs:22' }, "'nodejs:24' is itself a kind"],
    [{ 'nodejs:default': 'nodejs:22' }, "'nodejs:default' is itself a kind"],
    [{ 'swift:default': 'native:13' }, "'swift:default' is itself a kind"],
    [{ blackbox: 'nodejs:24' }, "'blackbox' is itself a kind"],
    [{ 'rust:1.34': 'native:13' }, 'another language'],
  ])('are refused: %j', (aliases, message) => {
    expect(() => runtimesWithAliases(kinds, aliases)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) }),
    );
  });
});

describe('in the configuration file', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ward-aliases-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const load = async (text: string) => {
    const configFile = join(folder, 'ward.yaml');
    await writeFile(configFile, text);
    return (await loadConfig({ configFile }, {})).kindAliases;
  };

  test.each([
    ['kindAliases: false', false],
    [
      'kindAliases: { nodejs:18: nodejs:24, python:3.9: null }',
      { 'nodejs:18': 'nodejs:24', 'python:3.9': null },
    ],
    ['listen: 127.0.0.1:1', undefined],
  ])('%s', async (text, expected) => {
    expect(await load(text)).toEqual(expected);
  });

  test.each([
    'kindAliases: { "NodeJS 14": nodejs:24 }',
    'kindAliases: { nodejs:14: [] }',
    'kindAliases: nodejs:14',
  ])('refused: %s', async (text) => {
    await expect(load(text)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

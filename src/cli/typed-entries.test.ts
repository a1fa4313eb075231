import { expect, test } from 'vitest';
import { runCommand } from '../lib/index.ts';
import { launcher } from './cli.fixture.ts';
import { entries } from './registry.ts';
import { entriesFor, loaders } from './typed-entries.ts';

test.each(Object.keys(loaders))('the word %s loads the registry’s entry of that name', async (word) => {
  const [entry, ...more] = await entriesFor([word, 'x']);
  expect(more).toEqual([]);
  expect(entry).toBe(entries.find(({ name }) => name === word));
});

test('any other line loads all entries, and so does the command that shows all', async () => {
  const lines = [
    [],
    ['--help'],
    ['-v', 'action', 'list'],
    ['acton'],
    ['constructor'],
    ['completion', 'bash'],
  ];
  for (const argv of lines) expect(await entriesFor(argv)).toBe(entries);
});

test('a command loads only its own records, and no unneeded library', async () => {
  const hooks = `import { registerHooks } from 'node:module';
    registerHooks({ load(url, context, next) { process._rawDebug('loaded ' + url); return next(url, context); } });`;
  const { code, stderr } = await runCommand(
    [
      ...[process.execPath, '--import', `data:text/javascript,${encodeURIComponent(hooks)}`],
      ...[launcher, 'property', 'get'],
    ],
    { env: { ...process.env, WSK_CONFIG_FILE: '/nonexistent', WARD_DATA: '/nonexistent' } },
  );
  expect(code).toBe(0);
  const loaded = [...stderr.matchAll(/^loaded (\S+)$/gm)].map(([, url = '']) => url);
  const records = loaded.filter((url) => url.includes('/src/cli/commands/'));
  expect(records.map((url) => url.split('/').at(-1))).toEqual(['property.ts']);
  const libraries = new Set(loaded.flatMap((url) => /\/node_modules\/([^/]+)/.exec(url)?.[1] ?? []));
  expect([...libraries].toSorted()).toEqual(['commander', 'picocolors']);
  expect(loaded).not.toContain('node:crypto');
});

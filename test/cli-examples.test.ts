/** The examples in the help, run against a real Ward: none is refused as invalid. */
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { commandsOf } from '../src/cli/command-spec.ts';
import { main } from '../src/cli/main.ts';
import { entries } from '../src/cli/registry.ts';
import { zipFolder } from '../src/cli/zip-folder.ts';
import { root } from './docs/markdown.ts';
import { storeOf } from './engine-switch.ts';
import { writeImage } from './gate/layout.ts';
import { missingForSandboxes, Ward } from './ward.ts';

const missing = missingForSandboxes();

/** Why a command is not run here, by its words. `src/cli/examples.test.ts` parses all examples. */
const notRun: readonly (readonly [words: RegExp, why: string])[] = [
  [/^(?:up|doctor|prove|sandbox (?:run|explain|learn))$/, 'replaces this process by one in isolation'],
  [/^base build$/, 'builds the runtime images'],
  [/^image (?:build|scan|sign|verify|report)$/, 'needs images of its own: image-build.test.ts and others'],
  [/^advisories/, 'needs a network, or exports of sources'],
  [/^vault rotate$/, 'needs a stopped server'],
  [/^policy test$/, 'needs reports of scans: policy.test.ts'],
  [/^audit verify$/, 'needs a checkpoint: gate.test.ts'],
  [/^namespace (?:delete|rotate-key)$/, 'deletes what other examples use'],
  [/^activation (?:poll|logs)$/, 'does not end by itself'],
  [/^completion$/, 'is read by a shell'],
  [/^(?:cluster nats-config|audit export)$/, 'writes to a file of the shell'],
  [/^log(?:in|out)$/, 'needs an issuer: login.test.ts'],
  [/^migrate$/, 'needs PostgreSQL: migrate.test.ts'],
];

const examples = commandsOf(entries).flatMap(([words, { examples: own }]) =>
  notRun.some(([pattern]) => pattern.test(words)) ? [] : own.map(({ command }) => command),
);

/** 1: it already exists, or the action failed; 5: it does not exist; 8: the action returned an error. */
const mayEndWith = [0, 1, 5, 8];

const api = 'swagger: "2.0"\ninfo: { title: shop, version: 1.0.0 }\nbasePath: /shop\npaths: {}\n';
const manifest = `project: { name: shop }
packages:
  shop:
    actions:
      list-books: { function: hello.js, web: true }
`;

describe.skipIf(missing !== undefined)(
  `examples${missing ? ` (${missing})` : ''}`,
  { timeout: 120_000 },
  () => {
    let ward: Ward;
    let folder: string;
    const before = process.cwd();

    beforeAll(async () => {
      // The example of --egress needs these; each call of `main` listens for errors of the streams.
      ward = await Ward.start({ sandbox: { allow: { egress: ['*.example.com:443'] } } });
      for (const stream of [process.stdout, process.stderr]) stream.setMaxListeners(0);
      folder = await mkdtemp(join(tmpdir(), 'ward-examples-'));
      // The owner of the data folder reads the images.
      await chmod(folder, 0o755);
      await cp(join(root, 'examples'), join(folder, 'examples'), { recursive: true });
      const hello = await readFile(join(root, 'examples/hello.js'), 'utf8');
      const { bytes } = await zipFolder({ folder: join(root, 'examples/word-count') });
      const files = {
        'hello.js': hello,
        'page.js': hello,
        'hello.py': await readFile(join(root, 'examples/hello.py'), 'utf8'),
        'hello.zip': bytes,
        'event.json': '{"name": "Ada"}',
        'manifest.yaml': manifest,
        'live.yaml': 'packages: {}\n',
        'policy.yaml': 'form: 1\n',
        'new.yaml': 'form: 1\n',
        'old.yaml': 'form: 1\n',
        'lodash.json': '{"bomFormat": "CycloneDX", "vulnerabilities": []}',
      };
      for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
      await mkdir(join(folder, 'home'));
      await writeImage(join(folder, 'images'), { run: '#!/usr/bin/env node\n' });
      const store = await storeOf(ward.dataDir);
      for (const [name, value] of Object.entries({
        ...store,
        WARD_APIHOST: ward.url,
        WARD_AUTH: ward.auth,
        WARD_DATA: ward.dataDir,
        // A check of the machine's own store would compare a GiB.
        WARD_IMAGES: join(folder, 'images'),
        WARD_KEY_PASSPHRASE: 'for a test',
        WSK_CONFIG_FILE: join(folder, 'home/.wskprops'),
        HOME: join(folder, 'home'),
        NO_COLOR: '1',
      }))
        vi.stubEnv(name, value);
      process.chdir(folder);
      // A restore is refused, since a server uses the folder, but the file must exist.
      for (const name of ['ward-monday.tar.zst', 'ward.tar.zst'])
        if (store['WARD_STORE'] === undefined)
          expect(await main(['backup', name, '--quiet'], process)).toBe(0);
        else await writeFile(name, '');
    });
    afterAll(async () => {
      process.chdir(before);
      vi.unstubAllEnvs();
      await ward?.[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    });

    it('are many', () => {
      expect(examples.length).toBeGreaterThan(70);
    });

    it.each(examples)('%s', async (command) => {
      await writeFile('shop.yaml', command.includes(' api ') ? api : manifest);
      await deployMissing(ward);
      const said: string[] = [];
      const write = (text: unknown) => said.push(String(text)) > 0;
      vi.spyOn(process.stdout, 'write').mockImplementation(write);
      vi.spyOn(process.stderr, 'write').mockImplementation(write);
      try {
        const code = await main(wordsOf(command.replaceAll('/srv/ward', ward.dataDir)), process);
        expect(mayEndWith, said.join('')).toContain(code);
      } finally {
        vi.restoreAllMocks();
      }
    });
  },
);

/** Deploys again what the examples need and an earlier one has deleted. */
async function deployMissing(ward: Ward): Promise<void> {
  const { body } = await ward.request('GET', '/api/v1/namespaces/_/actions');
  const there = body.map(({ namespace, name }: Record<string, string>) => `${namespace}/${name}`);
  const missing = ['hello', 'tools/hello', 'tools/shout'].filter((name) => !there.includes(`guest/${name}`));
  if (missing.length > 0)
    await ward.request('PUT', '/api/v1/namespaces/_/packages/tools?overwrite=true', { body: {} });
  for (const name of missing) await ward.deploy(name, 'function main() {}');
}

/** The words after `ward`. `src/cli/examples.test.ts` lets bash itself split them. */
function wordsOf(command: string): string[] {
  const line = command.slice(command.indexOf('ward ') + 'ward '.length).replace(' -P - ', ' -P event.json ');
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

/** `ward image build` end to end: from a folder to an action that answers, through the store and the registry. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { generateKeyPair } from '../src/gate/index.ts';
import { mustRun, runCommand } from '../src/lib/index.ts';
import { type BlackboxImages, makeBlackboxImages } from './blackbox/image.ts';
import { codeBlocksOf, readText, root } from './docs/markdown.ts';
import { storeOf } from './engine-switch.ts';
import { textsOf } from './invoker.ts';
import { makeLinkedCommand } from './linked-command.ts';
import { type CliResult, missingForSandboxes, outsideEnv, Ward } from './ward.ts';

const missing = missingForSandboxes();
const launcher = fileURLToPath(new URL('../bin/ward.mjs', import.meta.url));
const hasCosign = (await runCommand(['cosign', 'version']).catch(() => undefined))?.code === 0;
if (!hasCosign) console.warn('cosign is not installed: its test is skipped (apt-get install cosign)');
const hasBuildah = (await runCommand(['buildah', '--version']).catch(() => undefined))?.code === 0;
if (!hasBuildah) console.warn('buildah is not installed: its test is skipped (apt-get install buildah)');
/** A scan and a push take long on a busy machine. */
const timeout = 180_000;
const passphrase = 'open it';

type Files = Readonly<Record<string, string>>;

const nodeFunction: Files = {
  'package.json': '{"name": "titles", "version": "1.0.0", "main": "index.js"}',
  'index.js':
    'const slug = require("slug");\n' +
    'exports.main = ({ title = "none" }) => { console.log("asked", title); return { slug: slug(title), uid: process.getuid(), ns: process.env.__OW_NAMESPACE }; };\n' +
    'exports.fail = () => { throw new Error("on purpose"); };\n',
  'node_modules/slug/package.json': '{"name": "slug", "version": "1.0.0", "main": "index.js"}',
  'node_modules/slug/index.js': 'module.exports = (text) => text.toLowerCase().replaceAll(" ", "-");\n',
};
const pythonFunction: Files = {
  '__main__.py':
    'import os, sys, dep\ndef main(args):\n  print("asked")\n  print("oh", file=sys.stderr)\n' +
    '  return {"text": dep.shout(args.get("text", "")), "uid": os.getuid(), "cwd": os.getcwd()}\n',
  'virtualenv/pyvenv.cfg': 'home = /usr/bin\n',
  'virtualenv/bin/python': '->/usr/bin/python3',
  'virtualenv/lib/python3.13/site-packages/dep.py': 'def shout(text):\n  return text.upper()\n',
};

describe.skipIf(missing !== undefined)(
  `images that Ward builds${missing ? ` (${missing})` : ''}`,
  { timeout },
  () => {
    let images: BlackboxImages;
    let ward: Ward;
    let folder: string;
    let key: string;
    beforeAll(async () => {
      images = await makeBlackboxImages({});
      folder = await mkdtemp(join(tmpdir(), 'ward-build-'));
      vi.stubEnv('WARD_IMAGES', images.dir);
      ward = await Ward.start();
      const pair = generateKeyPair(passphrase);
      key = join(folder, 'key.pem');
      await writeFile(key, pair.privateKey);
      await writeFile(join(folder, 'key.pub'), pair.publicKey);
    }, timeout);
    afterAll(async () => {
      await ward?.[Symbol.asyncDispose]();
      await images?.[Symbol.asyncDispose]();
      vi.unstubAllEnvs();
      await rm(folder, { recursive: true, force: true });
    });

    /** A text that begins with `->` is a link. */
    async function write(name: string, files: Files): Promise<string> {
      for (const [path, text] of Object.entries(files)) {
        const file = join(folder, name, path);
        await mkdir(dirname(file), { recursive: true });
        await (text.startsWith('->') ? symlink(text.slice(2), file) : writeFile(file, text));
      }
      return join(folder, name);
    }

    const env = async () => ({
      ...(await storeOf(ward.dataDir)),
      ...outsideEnv(),
      WSK_CONFIG_FILE: '/nonexistent',
      WARD_APIHOST: ward.url,
      WARD_AUTH: ward.auth,
      WARD_DATA: ward.dataDir,
      WARD_KEY_PASSPHRASE: passphrase,
    });
    const cli = async (...args: readonly string[]): Promise<CliResult> =>
      runCommand([process.execPath, launcher, ...args], {
        cwd: folder,
        env: await env(),
        timeoutMs: timeout,
      });
    async function build(...args: readonly string[]): Promise<CliResult> {
      const result = await cli('image', 'build', ...args);
      if (result.code !== 0) throw new Error(`exit ${result.code}: ${result.stderr}`);
      return result;
    }
    const digestIn = ({ stdout }: CliResult) => /^digest +(sha256:[0-9a-f]{64})$/m.exec(stdout)?.[1];
    const layerIn = ({ stdout }: CliResult, role: string) =>
      new RegExp(`^${role} +(sha256:[0-9a-f]{64}),`, 'm').exec(stdout)?.[1];

    it('answer as actions when they are made of a Node.js folder', async () => {
      const dir = await write('titles', {
        ...nodeFunction,
        '.env': 'KEY=secret',
        'notes.md': '',
        '.wardignore': '*.md',
      });
      const built = await build(dir);
      expect(built.stderr).toContain('left out .env, which may hold secrets');
      expect(built.stderr).toMatch(/^scanned: /m);
      expect(built.stderr).toContain('ok: built titles:latest');
      expect((await ward.cli(['action', 'create', 'titles', '--docker', 'titles'])).code).toBe(0);
      const first = await ward.invoke('titles', { title: 'Hello World' });
      expect(first.body.response.result).toEqual({ slug: 'hello-world', uid: 1000, ns: 'guest' });
      const { logs } = await ward.activation(first.body.activationId);
      expect(textsOf(logs)).toEqual(['stdout: asked Hello World']);
      const second = await ward.invoke('titles', { title: 'Again' });
      expect(second.body.response.result).toMatchObject({ slug: 'again' });
      expect(textsOf((await ward.activation(second.body.activationId)).logs)).toEqual([
        'stdout: asked Again',
      ]);
    });

    it('are listed with their users, and can be deleted when unused', async () => {
      await build(await write('gone', { ...nodeFunction, 'own.txt': 'in no other image' }), '--no-scan');
      expect((await ward.cli(['action', 'create', 'uses-gone', '--docker', 'gone'])).code).toBe(0);
      const { stdout } = await cli('image', 'list', '--store', '-o', 'json');
      const listed: { name: string; isOwn: boolean; actions: string[] }[] = JSON.parse(stdout);
      expect(listed.find(({ name }) => name === 'gone:latest')).toMatchObject({
        isOwn: false,
        actions: ['guest/uses-gone'],
      });
      for (const own of ['nodejs:24', 'nodejs:default'])
        expect(listed.find(({ name }) => name === own)).toMatchObject({ isOwn: true });
      const refused = await cli('image', 'delete', 'gone');
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('used by guest/uses-gone') });
      // After a call its sandbox waits for the next one.
      const first = await ward.invoke('uses-gone', { title: 'A B' });
      expect(first.body.response.result).toMatchObject({ slug: 'a-b' });
      const mounted = await cli('image', 'delete', 'gone', '--force');
      expect(mounted).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('sandboxes run on gone:latest'),
      });
      expect((await ward.invoke('uses-gone', { title: 'C' })).body.response.result).toMatchObject({
        slug: 'c',
      });
    });

    it('are made as documented', async () => {
      const [shell, output] = codeBlocksOf(readText('docs/images.md'));
      expect([shell?.info, output?.info]).toEqual(['sh', 'output']);
      await using command = await makeLinkedCommand();
      const { stdout } = await runCommand(['bash', '-euo', 'pipefail', '-c', shell?.text ?? ''], {
        cwd: root,
        env: { ...(await env()), PATH: command.searchPath, TMPDIR: folder },
      });
      expect(stdout.endsWith(output?.text ?? '')).toBe(true);
    });

    it('run the function that the action names, and report its errors', async () => {
      await build(await write('fails', nodeFunction), '--no-scan');
      expect(
        (await ward.cli(['action', 'create', 'fails', '--docker', 'fails', '--main', 'fail'])).code,
      ).toBe(0);
      expect((await ward.invoke('fails')).body.response).toMatchObject({
        status: 'action developer error',
        result: { error: 'An error has occurred: Error: on purpose' },
      });
    });

    it('answer as actions when they are made of a Python folder with its virtualenv', async () => {
      await build(await write('shout', pythonFunction), '--no-scan');
      expect((await ward.cli(['action', 'create', 'shout', '--docker', 'shout'])).code).toBe(0);
      const { body } = await ward.invoke('shout', { text: 'hello' });
      expect(body.response.result).toEqual({ text: 'HELLO', uid: 1000, cwd: '/fn' });
      expect(textsOf((await ward.activation(body.activationId)).logs)).toEqual([
        'stdout: asked',
        'stderr: oh',
      ]);
      expect((await ward.invoke('shout', { text: 'again' })).body.response.result).toMatchObject({
        text: 'AGAIN',
      });
    });

    it('run a program that speaks the contract itself', async () => {
      const dir = await write('server', {
        'server.cjs':
          'require("node:http").createServer((q, a) => q.resume().on("end", () => a.end(JSON.stringify({ at: q.url })))).listen(8080);',
      });
      await build(dir, '--base', 'nodejs:24', '--entrypoint', 'node /fn/server.cjs', '--no-scan');
      expect((await ward.cli(['action', 'create', 'server', '--docker', 'server'])).code).toBe(0);
      expect((await ward.invoke('server')).body.response.result).toEqual({ at: '/run' });
    });

    it.skipIf(!hasBuildah)('answer as actions when they are made by a Dockerfile', async () => {
      const dir = await write('dockerfile', {
        ...nodeFunction,
        Dockerfile:
          'FROM nodejs:24\nARG GREETING=none\nCOPY --chown=0:0 . /fn\nUSER root\n' +
          `RUN ["/usr/bin/node", "-e", "fs.writeFileSync('/fn/made.js', 'exports.made = ' + JSON.stringify(process.env.GREETING))"]\n` +
          'USER 1000:1000\n',
        'index.js':
          'exports.main = () => ({ made: require("./made.js").made, env: fs.existsSync("/fn/.env") });\nconst fs = require("node:fs");',
        '.env': 'KEY=secret',
      });
      const built = await build(dir, '--build-arg', 'GREETING=hello', '--no-scan');
      expect(built.stdout).toMatch(/^dockerfile +sha256:/m);
      expect((await ward.cli(['action', 'create', 'dockerfile', '--docker', 'dockerfile'])).code).toBe(0);
      expect((await ward.invoke('dockerfile')).body.response.result).toEqual({ made: 'hello', env: false });
      const refused = await cli('image', 'build', await write('foreign', { Dockerfile: 'FROM debian:13\n' }));
      expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining('error[BASE_NOT_TRUSTED]') });
    });

    it('are the same each time, and share unchanged layers', async () => {
      const dir = await write('same', nodeFunction);
      const first = await build(dir, '--no-scan');
      await cp(dir, join(folder, 'elsewhere'), { recursive: true });
      const second = await build(join(folder, 'elsewhere'), '--tag', 'same:2', '--no-scan');
      expect(digestIn(first)).toMatch(/^sha256:/);
      expect(digestIn(second)).toBe(digestIn(first));
      await writeFile(join(dir, 'index.js'), 'exports.main = () => ({ changed: true });');
      const third = await build(dir, '--no-scan');
      for (const role of ['server', 'dependencies']) expect(layerIn(third, role)).toBe(layerIn(first, role));
      expect(layerIn(third, 'code')).not.toBe(layerIn(first, 'code'));
      expect(layerIn(third, 'dependencies')).toMatch(/^sha256:/);
    });

    it('are pushed, signed, and run from the registry', async () => {
      const dir = await write('pushed', nodeFunction);
      const built = await build(dir, '--tag', 'pushed:1', '--sign', key, '--push');
      expect(built.stderr).toContain(`ok: built ${ward.url}/guest/pushed:1`);
      expect((await ward.cli(['action', 'create', 'pushed', '--docker', 'guest/pushed:1'])).code).toBe(0);
      expect((await ward.invoke('pushed', { title: 'A B' })).body.response.result).toMatchObject({
        slug: 'a-b',
      });
      const again = await build(dir, '--tag', 'guest/pushed:2', '--sign', key, '--push', '--no-scan');
      expect(digestIn(again)).toBe(digestIn(built));
      const index = await readFile(join(images.dir, 'index.json'), 'utf8');
      expect(index).not.toContain('pushed');
      if (!hasCosign) return;
      const host = ward.url.replace('http://', '');
      await writeFile(
        join(folder, 'config.json'),
        JSON.stringify({ auths: { [host]: { auth: Buffer.from(ward.auth).toString('base64') } } }),
      );
      const cosign = (...args: readonly string[]) =>
        mustRun(
          [
            'cosign',
            ...args,
            ...['--key', join(folder, 'key.pub'), '--insecure-ignore-tlog=true', '--allow-http-registry'],
            `${host}/guest/pushed:1`,
          ],
          { env: { ...process.env, DOCKER_CONFIG: folder } },
        );
      expect(await cosign('verify')).toContain(digestIn(built));
      const attested = await cosign('verify-attestation', '--type', 'slsaprovenance1');
      const statement = JSON.parse(Buffer.from(JSON.parse(attested).payload, 'base64').toString());
      expect(statement.predicate.buildDefinition.resolvedDependencies[0].uri).toBe(
        'urn:ward:image:nodejs:24',
      );
      const said = async (type: string) => {
        const { payload } = JSON.parse(await cosign('verify-attestation', '--type', type));
        return JSON.parse(Buffer.from(payload, 'base64').toString());
      };
      const subject = [{ digest: { sha256: digestIn(built)?.slice(7) } }];
      const sbom = await said('cyclonedx');
      expect(sbom).toMatchObject({ subject, predicate: { bomFormat: 'CycloneDX' } });
      expect(sbom.predicate.components.map(({ purl }: { purl: string }) => purl)).toContain(
        'pkg:npm/slug@1.0.0',
      );
      const scan = await said('vuln');
      expect(scan).toMatchObject({ subject, predicate: { scanner: { uri: 'urn:ward:scanner' } } });
      await expect(said('spdxjson')).rejects.toThrow();
    });

    it.each(['told', 'sworn'])(
      'have their provenance beside them in the registry, signed or not: %s',
      async (name) => {
        const dir = await write(name, nodeFunction);
        const signing = name === 'sworn' ? ['--sign', key] : [];
        const file = join(folder, 'provenance.json');
        const built = await build(
          dir,
          '--tag',
          `${name}:1`,
          ...signing,
          '--push',
          '--no-scan',
          '--provenance',
          file,
        );
        expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({
          _type: 'https://in-toto.io/Statement/v1',
          predicateType: 'https://slsa.dev/provenance/v1',
          subject: [{ name: `guest/${name}:1`, digest: { sha256: digestIn(built)?.slice(7) } }],
        });
        const { body } = await ward.request('GET', `/v2/guest/${name}/referrers/${digestIn(built)}`);
        const types = body.manifests.map((each: { artifactType: string }) => each.artifactType).sort();
        // The gate adds the SBOM and the scan's findings.
        const statement = 'application/vnd.in-toto+json';
        expect(types).toEqual(['application/vnd.cyclonedx+json', statement, statement]);
      },
    );

    it('can go into a layout or a file', async () => {
      const dir = await write('portable', nodeFunction);
      const file = join(folder, 'portable.tar');
      await build(dir, '--output', file, '--no-scan');
      const named = await build(dir, '--output', `oci:${join(dir, 'out')}`, '--no-scan', '--sign', key);
      expect((await cli('image', 'scan', `archive:${file}`, '--format', 'json')).stdout).toContain(
        digestIn(named),
      );
      // An output in the folder itself is not part of the next build.
      const again = await build(dir, '--output', `oci:${join(dir, 'out')}`, '--no-scan');
      expect(digestIn(again)).toBe(digestIn(named));
      const index = JSON.parse(await readFile(join(dir, 'out/index.json'), 'utf8'));
      expect(index.manifests).toHaveLength(3);
    });

    it('are not kept when the policy denies what is found in them', async () => {
      const dir = await write('leaky', {
        ...nodeFunction,
        'data.txt': `-----BEGIN RSA PRIVATE KEY-----\n${'MIIEowIBAAKCAQEA7bq1'.repeat(40)}\n-----END RSA PRIVATE KEY-----\n`,
      });
      const refused = await cli('image', 'build', dir);
      expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining('error[IMAGE_REFUSED]') });
      expect(refused.stdout).toContain('denied');
      expect(await readFile(join(images.dir, 'index.json'), 'utf8')).not.toContain('leaky');
      const pushed = await cli('image', 'build', dir, '--no-scan', '--push');
      expect(pushed).toMatchObject({ code: 3, stderr: expect.stringContaining('error[PUSH_REFUSED]') });
      expect((await ward.request('GET', '/v2/guest/leaky/manifests/latest')).status).toBe(404);
    });

    it.each([
      ['a link out of the folder', { ...nodeFunction, out: '->/etc' }, [], 'BUILD_FOLDER_INVALID'],
      [
        'a file that would remove one of the base',
        { ...nodeFunction, '.wh.x': '' },
        [],
        'BUILD_FOLDER_INVALID',
      ],
      ['no function', { 'a.txt': '' }, [], 'BUILD_FOLDER_INVALID'],
      ['a base from elsewhere', nodeFunction, ['--base', 'docker.io/library/node:24'], 'BASE_NOT_TRUSTED'],
      ['a name of Ward’s own', nodeFunction, ['--tag', 'nodejs:24'], 'IMAGE_NAME_RESERVED'],
      ['a name of the registry in the store', nodeFunction, ['--tag', 'guest/x'], 'FLAG_INVALID'],
      ['an invalid output', nodeFunction, ['--output', 'somewhere'], 'FLAG_INVALID'],
      ['an invalid key', nodeFunction, ['--sign', 'key.pub'], 'KEY_INVALID'],
      ['what only a Dockerfile has', nodeFunction, ['--network'], 'FLAG_INVALID'],
      ['another namespace’s name', nodeFunction, ['--tag', 'other/x', '--push', '--no-scan'], 'PUSH_REFUSED'],
    ] satisfies [string, Files, string[], string][])(
      'are not built of or with %s',
      async (title, files, more, code) => {
        const before = await readFile(join(images.dir, 'index.json'), 'utf8');
        const dir = await write(`bad ${title.length} ${code}`, files);
        const { code: exit, stderr } = await cli('image', 'build', dir, ...more);
        expect(stderr).toContain(`error[${code}]`);
        expect(exit).toBeGreaterThan(1);
        expect(await readFile(join(images.dir, 'index.json'), 'utf8')).toBe(before);
      },
    );

    it('leave nothing half-done behind', async () => {
      expect(await readdir(join(images.dir, 'build')).catch(() => [])).toEqual([]);
      const names = await readdir(join(images.dir, 'blobs/sha256'));
      expect(names.filter((name) => name.startsWith('.'))).toEqual([]);
    });
  },
);

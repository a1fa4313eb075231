/** Encrypted parameters and their keys, and API keys with fewer rights, on a real Ward. */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onlyOneMachine } from './one-machine.ts';
import { missingForSandboxes, Ward } from './ward.ts';

const missing = missingForSandboxes();
const actions = '/api/v1/namespaces/_/actions';
const secret = `s3cret-${'x'.repeat(16)}`;

describe.skipIf(missing !== undefined)(`vault and keys${missing ? ` (${missing})` : ''}`, () => {
  let ward: Ward;

  beforeAll(async () => {
    ward = await Ward.start();
    await ward.request('PUT', `${actions}/keeper`, {
      body: {
        exec: { kind: 'nodejs:24', code: 'function main(p) { return { length: p.pass.length } }' },
        parameters: [{ key: 'pass', value: secret }],
      },
    });
  });
  afterAll(async () => {
    await ward?.[Symbol.asyncDispose]();
  });

  const inDatabase = (text: string) => {
    const folder = join(ward.dataDir, 'state');
    return readdirSync(folder).some((name) => readFileSync(join(folder, name)).includes(text));
  };
  const local = async (...argv: string[]) => {
    const { code, stdout, stderr } = await ward.cli([...argv, '--data', ward.dataDir, '-o', 'json']);
    if (code !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
    return stdout === '' ? undefined : JSON.parse(stdout);
  };

  it('parameters are encrypted in the database, and their keys are for root alone', async () => {
    onlyOneMachine('looks into the database, which PostgreSQL has');
    expect(inDatabase('keeper')).toBe(true);
    expect(inDatabase(secret)).toBe(false);
    expect(statSync(join(ward.dataDir, 'parameters.keys')).mode & 0o777).toBe(0o600);
    expect((await ward.invoke('keeper')).body.response.result).toEqual({ length: secret.length });
  });

  it('a rotation beside the running server changes nothing for its callers', async () => {
    const { newest, rewritten } = await local('vault', 'rotate');
    expect(rewritten).toBeGreaterThan(0);
    const read = async () => (await ward.request('GET', `${actions}/keeper`)).body.parameters;
    await expect.poll(read).toEqual([{ key: 'pass', value: secret }]);
    expect((await ward.invoke('keeper')).body.response.result).toEqual({ length: secret.length });
    await ward.request('PUT', `${actions}/keeper?overwrite=true`, { body: { version: '2.0.0' } });
    const { keys } = await local('vault', 'status');
    expect(keys).toMatchObject([
      { id: newest, use: 'encrypts' },
      { use: 'decrypts', kept: 0 },
    ]);
  });

  it('a rotation of a key file that the operator keeps elsewhere changes nothing either', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ward-keys-'));
    try {
      const keyFile = join(folder, 'keys');
      writeFileSync(keyFile, readFileSync(join(ward.dataDir, 'parameters.keys')), { mode: 0o600 });
      const { dataDir } = ward;
      await ward.stop();
      ward = await Ward.start({ parameters: { keyFile } }, dataDir);
      const { newest } = await local('vault', 'rotate', '--config', join(dataDir, 'config.yaml'));
      expect(readFileSync(keyFile, 'utf8')).toMatch(new RegExp(`^${newest}:`));
      expect((await ward.invoke('keeper')).body.response.result).toEqual({ length: secret.length });
      // The server now encrypts with the new key.
      await ward.request('PUT', `${actions}/keeper?overwrite=true`, {
        body: { parameters: [{ key: 'pass', value: secret }] },
      });
      const { keys } = await local('vault', 'status', '--config', join(dataDir, 'config.yaml'));
      expect(keys).toMatchObject([{ id: newest, use: 'encrypts' }, { kept: 0 }, { kept: 0 }]);
      writeFileSync(join(dataDir, 'parameters.keys'), readFileSync(keyFile), { mode: 0o600 });
      await ward.stop();
      ward = await Ward.start({}, dataDir);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('without its keys, encrypted data gives an error that reveals nothing, and the rest works', async () => {
    onlyOneMachine('a server does not start with other keys than those of a shared database');
    const { dataDir } = ward;
    await ward.stop();
    const other = randomBytes(32).toString('base64');
    writeFileSync(join(dataDir, 'parameters.keys'), `other:${other}\n`);
    ward = await Ward.start({}, dataDir);
    const answer = await ward.request('GET', `${actions}/keeper`);
    expect([answer.status, answer.body.error]).toEqual([500, 'There was an internal server error.']);
    await ward.deploy('free', 'function main() { return { ok: true } }');
    expect((await ward.invoke('free')).body.response.result).toEqual({ ok: true });
  });

  it('a key does what its scope allows, and nothing once it is deleted', async () => {
    await ward.deploy('free', 'function main() { return { ok: true } }');
    const keyOf = async (scope: string): Promise<{ key: string; keyId: string }> =>
      local('namespace', 'key', 'create', 'guest', '--scope', scope);
    const [invoke, read] = [await keyOf('invoke'), await keyOf('read')];
    const ask = async (method: string, path: string, { key }: { key: string }) =>
      (await ward.request(method, path, { auth: key })).status;
    expect(await ask('POST', `${actions}/free?blocking=true`, invoke)).toBe(200);
    expect(await ask('GET', `${actions}/free`, invoke)).toBe(403);
    expect(await ask('GET', actions, invoke)).toBe(403);
    expect(await ask('DELETE', `${actions}/free`, invoke)).toBe(403);
    expect(await ask('GET', `${actions}/free`, read)).toBe(200);
    expect(await ask('POST', `${actions}/free?blocking=true`, read)).toBe(403);
    await local('namespace', 'key', 'delete', 'guest', invoke.keyId);
    expect(await ask('POST', `${actions}/free?blocking=true`, invoke)).toBe(401);
  });
});

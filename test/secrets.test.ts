/** Keys, parameters, results and code: who can read them where. The log has its most verbose level. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onlyOneMachine } from './one-machine.ts';
import { missingForSandboxes, Ward } from './ward.ts';

const missing = missingForSandboxes();
const secret = (name: string) => `s3cret-${name}-${'x'.repeat(8)}`;
const actions = '/api/v1/namespaces/_/actions';

describe.skipIf(missing !== undefined)(`secrets${missing ? ` (${missing})` : ''}`, () => {
  let ward: Ward;
  let said: () => string;
  /** Everything that a log must not contain. */
  const secrets: string[] = [];

  beforeAll(async () => {
    ({ ward, said } = await Ward.startSaying({ logLevel: 'trace' }));
  });
  afterAll(async () => {
    await ward?.[Symbol.asyncDispose]();
  });

  it('are not in the log, whatever happens', async () => {
    const log = said;
    const [, guestSecret = ''] = ward.auth.split(':');
    const other = await ward.createNamespace('other');
    const rotated = await ward.cli([
      'namespace',
      'rotate-key',
      'other',
      '--data',
      ward.dataDir,
      '-o',
      'json',
    ]);
    const [, otherSecret = ''] = other.split(':');
    const [, rotatedSecret = ''] = JSON.parse(rotated.stdout).key.split(':');
    await ward.request('PUT', `${actions}/keeper`, {
      body: {
        exec: {
          kind: 'nodejs:24',
          code: `// ${secret('code')}
            function main(p) {
              console.log('${secret('printed')}');
              if (p.fail === 'exit') process.exit(1);
              if (p.fail === 'throw') throw new Error(p.pass);
              if (p.fail === 'channel') require('fs').writeSync(3, p.pass.repeat(10));
              return { result: '${secret('result')}', hasKey: Boolean(process.env.__OW_API_KEY) };
            }`,
        },
        parameters: [
          { key: 'bound', value: secret('bound') },
          { key: 'INIT', value: secret('init'), init: true },
        ],
        annotations: [{ key: 'provide-api-key', value: true }],
      },
    });
    for (const fail of ['no', 'throw', 'exit', 'channel'])
      await ward.invoke('keeper', { pass: secret('payload'), fail });
    const accepted = await ward.request('POST', `${actions}/keeper`, { body: { pass: secret('payload') } });
    expect((await ward.activation(accepted.body.activationId)).response.result.hasKey).toBe(true);
    await ward.request('PUT', `${actions}/keeper?overwrite=true`, {
      body: `{"parameters":"${secret('malformed')}`,
    });
    await ward.request('PUT', `${actions}/broken`, {
      body: { exec: { kind: 'nodejs:24', code: `throw "${secret('thrown')}"` } },
    });
    await ward.invoke('broken');
    await ward.request('GET', `${actions}?auth=${ward.auth}`, { auth: `${ward.auth}-wrong` });
    secrets.push(guestSecret, otherSecret, rotatedSecret, Buffer.from(ward.auth).toString('base64'));
    secrets.push(
      ...['code', 'printed', 'result', 'bound', 'init', 'payload', 'malformed', 'thrown'].map(secret),
    );
    await ward.stop();
    // The greeting of the first start shows the key once, to the user who started it.
    const lines = log()
      .split('\n')
      .filter((line) => line.startsWith('{'));
    expect(lines.length).toBeGreaterThan(3);
    for (const each of secrets) expect(lines.filter((line) => line.includes(each))).toEqual([]);
  });

  it('keys are kept as hashes only', () => {
    onlyOneMachine('looks into the database, which PostgreSQL has');
    const keys = secrets.slice(0, 4);
    expect(keys.every((key) => key.length >= 64)).toBe(true);
    const files = filesBelow(ward.dataDir).filter((path) => !path.endsWith('guest.auth'));
    expect(files.some((path) => path.endsWith('ward.db'))).toBe(true);
    for (const path of files) {
      const content = readFileSync(path);
      for (const key of keys) expect({ path, has: content.includes(key) }).toEqual({ path, has: false });
    }
  });

  it('only their owner can read files', () => {
    onlyOneMachine('an ordinary user chooses the modes of its folder');
    const modeOf = (path: string) => (statSync(join(ward.dataDir, path)).mode & 0o777).toString(8);
    expect(modeOf('guest.auth')).toBe('600');
    // Scan processes have the server's group, and no one else is in it.
    expect(modeOf('.')).toBe('710');
    expect(modeOf('ward.lock')).toBe('600');
    expect(modeOf('state')).toBe('700');
    expect(modeOf('code')).toBe('700');
    for (const path of filesBelow(join(ward.dataDir, 'state')))
      expect({ path, mode: (statSync(path).mode & 0o077).toString(8) }).toEqual({ path, mode: '0' });
    expect(readFileSync(join(ward.dataDir, 'guest.auth'), 'utf8')).toMatch(
      /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}:[A-Za-z0-9]{64}\n$/,
    );
  });

  it('the file with guest’s key changes when the key is replaced', async () => {
    const rotated = await ward.cli([
      'namespace',
      'rotate-key',
      'guest',
      '--data',
      ward.dataDir,
      '-o',
      'json',
    ]);
    const file = join(ward.dataDir, 'guest.auth');
    expect(readFileSync(file, 'utf8')).toBe(`${JSON.parse(rotated.stdout).key}\n`);
    expect(readFileSync(file, 'utf8').trim()).not.toBe(ward.auth);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });
});

function filesBelow(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

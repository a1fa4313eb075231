import { chown, mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCommand } from '../../lib/index.ts';
import { dataPaths } from '../instance/instance.ts';
import { apiRoleProgram, startApiRole } from './api-role-process.fixture.ts';

const nobody = 65534;
const isRoot = process.getuid?.() === 0;
const asOrdinary = isRoot
  ? ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', '--']
  : [];

test('an ordinary user serves the API with a dispatcher and no sandboxes', async (context) => {
  const { code } = await runCommand([
    ...asOrdinary,
    'test',
    '-r',
    apiRoleProgram,
    '-a',
    '-x',
    process.execPath,
  ]);
  if (code !== 0) return context.skip(`user ${nobody} can’t read this checkout`);
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-api-role-'));
  if (isRoot) await chown(folder.path, nobody, nobody);
  await using server = await startApiRole(folder.path, { through: asOrdinary });
  const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
  expect(status).toMatch(/^CapEff:\s+0+$/m);
  if (isRoot) expect(status).toMatch(new RegExp(`^Uid:\\s+${nobody}\\s+${nobody}\\s`, 'm'));

  expect(await (await fetch(`${server.url}/ping`)).text()).toBe('pong');
  const key = (await readFile(dataPaths(folder.path).guestKey, 'utf8')).trim();
  const authorization = `Basic ${Buffer.from(key).toString('base64')}`;
  const call = async (method: string, path: string, body?: object) => {
    const response = await fetch(`${server.url}/api/v1/namespaces/_/${path}`, {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: Object(await response.json()) };
  };
  const exec = { kind: 'nodejs:default', code: 'const main = () => ({})' };
  expect(await call('PUT', 'actions/echo', { exec })).toMatchObject({ status: 200 });
  const answer = await call('POST', 'actions/echo?blocking=true', { a: 1 });
  expect(answer).toMatchObject({ status: 200, body: { response: { result: { a: 1 } } } });
  expect(await call('GET', `activations/${answer.body.activationId}`)).toMatchObject({
    status: 200,
    body: { name: 'echo', logs: ['a line'], response: { status: 'success', result: { a: 1 } } },
  });
});

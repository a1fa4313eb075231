import { once } from 'node:events';
import { chown, mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runCommand, startCommand } from '../../lib/index.ts';
import { dataPaths } from '../instance/instance.ts';

const program = fileURLToPath(new URL('./api-role.fixture.ts', import.meta.url));
const nobody = 65534;
const isRoot = process.getuid?.() === 0;
const asOrdinary = isRoot
  ? ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', '--']
  : [];

test('an ordinary user serves the API with a dispatcher and no sandboxes', async (context) => {
  const { code } = await runCommand([...asOrdinary, 'test', '-r', program, '-a', '-x', process.execPath]);
  if (code !== 0) return context.skip(`user ${nobody} can’t read this checkout`);
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-api-role-'));
  if (isRoot) await chown(folder.path, nobody, nobody);
  await using server = await startServer(folder.path);
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

/** Disposal waits until the process has stopped by itself. */
async function startServer(dataDir: string) {
  const child = startCommand([...asOrdinary, process.execPath, program, dataDir], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] },
  });
  const { pid, stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error('it has no streams');
  const exited = once(child, 'exit');
  const said = text(stderr);
  const [url] = await Promise.race([
    once(createInterface({ input: stdout }), 'line'),
    exited.then(async () => {
      throw new Error(`it did not start: ${await said}`);
    }),
  ]);
  return {
    pid,
    url: String(url),
    async [Symbol.asyncDispose]() {
      stdin.end();
      expect(await exited, await said).toEqual([0, null]);
    },
  };
}

/** Renewals by several commands at once, each a process of its own, at an issuer that takes each refresh token once. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { runInProcess } from '../in-process.fixture.ts';
import {
  expireLogin,
  keyIn,
  type LoginPlace,
  type RunningWard,
  startLoginPlace,
  startWard,
} from './login.fixture.ts';

let place: LoginPlace;
let file: string;
/** Requests for tokens. */
let asked: number;

beforeAll(async () => {
  place = await startLoginPlace();
});
afterAll(() => place?.[Symbol.asyncDispose]());
let count = 0;
beforeEach(async () => {
  file = join(place.folder, `wskprops-${++count}`);
  place.provider.approveAs('ada');
  expect((await ward('login', '--namespace', 'guest')).code).toBe(0);
  await expireLogin(file);
  asked = 0;
  place.provider.watch(({ url }) => {
    if (url === '/token') asked++;
    return false;
  });
});

const ward = (...args: string[]) => runInProcess(args, { env: place.envFor(file) });
const renewed = { code: 0, stderr: '' };

test('commands that renew at once refresh once, and the login goes on', async () => {
  await using held = holdRenewal('action', 'list');
  await held.isAsked;
  await using others = new AsyncDisposableStack();
  const waiting = [1, 2, 3].map(() => others.use(startWard(place, file, 'action', 'list', '-v')));
  await Promise.all(waiting.map(saysThatItWaits));
  held.release();
  for (const each of [held.command, ...waiting]) expect((await each.ended).code).toBe(0);
  expect(asked).toBe(1);
  await expireLogin(file);
  expect(await ward('action', 'list')).toMatchObject(renewed);
  expect(asked).toBe(2);
});

test('a command that is killed while it renews keeps no other from it', async () => {
  await using held = holdRenewal('action', 'list');
  await held.isAsked;
  await using other = startWard(place, file, 'action', 'list', '-v');
  await saysThatItWaits(other);
  held.command.kill('SIGKILL');
  held.drop();
  expect((await other.ended).code).toBe(0);
  expect(await ward('action', 'list')).toMatchObject(renewed);
  expect(asked).toBe(2);
});

test('a logout meanwhile ends the new key too', async () => {
  await using held = holdRenewal('action', 'list');
  await held.isAsked;
  await using logout = startWard(place, file, 'logout', '-v');
  await saysThatItWaits(logout);
  held.release();
  expect(await held.command.ended).toMatchObject(renewed);
  expect(await logout.ended).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('logged out of guest'),
  });
  expect(existsSync(`${file}.login`)).toBe(false);
  expect(await keyIn(file)).toBe('');
});

test('a server that gives no key leaves the refresh token that the issuer gave', async () => {
  const server = createServer((_, reply) => reply.writeHead(503).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const elsewhere = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const move = async (from: string, to: string) =>
    writeFile(`${file}.login`, (await readFile(`${file}.login`, 'utf8')).replace(from, to));
  await move(place.apihost, elsewhere);
  const failed = await runInProcess(['action', 'list'], {
    env: { ...place.envFor(file), WARD_APIHOST: elsewhere },
  });
  expect(failed.stderr).toContain('warning: the key of your login could not be renewed');
  expect(asked).toBe(1);
  server.close();
  await move(elsewhere, place.apihost);
  expect(await ward('action', 'list')).toMatchObject(renewed);
});

test('a renewal that was cut off between its two files is completed', async () => {
  const earlier = await readFile(file, 'utf8');
  expect(await ward('action', 'list')).toMatchObject(renewed);
  await writeFile(file, earlier);
  // Such as after a kill.
  for (const path of [file, `${file}.login`]) await writeFile(`${path}.new`, 'half');
  await expireLogin(file);
  expect(await ward('action', 'list')).toMatchObject(renewed);
  const { keyId } = JSON.parse(await readFile(`${file}.login`, 'utf8'));
  expect((await keyIn(file)).split(':')[0]).toBe(keyId);
  expect(await readFile(file, 'utf8')).not.toBe(earlier);
});

test('without the lock, nothing is renewed', async () => {
  const stored = await readFile(`${file}.login`, 'utf8');
  await rm(`${file}.lock`);
  await mkdir(`${file}.lock`);
  const { code, stderr } = await ward('action', 'list');
  expect(code).toBe(0);
  expect(stderr).toContain(`${file}.lock can't be locked`);
  expect(await readFile(`${file}.login`, 'utf8')).toBe(stored);
  expect(asked).toBe(0);
});

/** Starts a command whose request for a token waits at the issuer. */
function holdRenewal(...words: string[]) {
  const isAsked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<boolean>();
  place.provider.watch(async ({ url }) => {
    if (url !== '/token') return false;
    isAsked.resolve();
    return ++asked === 1 && (await answer.promise);
  });
  const command = startWard(place, file, ...words);
  return {
    command,
    isAsked: isAsked.promise,
    /** The issuer answers. */
    release: () => answer.resolve(false),
    /** The issuer never answers, and gives no token. */
    drop: () => answer.resolve(true),
    async [Symbol.asyncDispose]() {
      answer.resolve(true);
      await command[Symbol.asyncDispose]();
    },
  };
}

async function saysThatItWaits(command: RunningWard): Promise<void> {
  await vi.waitFor(() => expect(command.said()).toContain('waiting for another command'), 20_000);
}

/** A server that stops with everything still open: it ends in time, and says what it waited for. */
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import { mustRun } from '../src/lib/index.ts';
import { deployHeld } from './held-action.ts';
import { leftOvers, nothing } from './left-overs.ts';
import { onlyOneMachine } from './one-machine.ts';
import { processesBelow } from './processes.ts';
import { missingForSandboxes, Ward } from './ward.ts';

const missing = missingForSandboxes();
const limits = { invocationsPerMinute: 100_000, concurrentInvocations: 1000 };
const root = '/api/v1/namespaces/_';
/** `stop.drainSeconds` here. */
const drainSeconds = 2;
/** The limit for a stop in docs/operations.md. */
const longestMs = (drainSeconds + 15) * 1000;
/** Margin for a busy machine. */
const slackMs = 10_000;

describe.skipIf(missing !== undefined)(`a stop${missing ? ` (${missing})` : ''}`, () => {
  const open: Ward[] = [];
  const sockets: Socket[] = [];
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const ward of open.splice(0)) await ward[Symbol.asyncDispose]();
  });
  const start = async () => {
    const { ward, said } = await Ward.startSaying({ limits, stop: { drainSeconds } });
    open.push(ward);
    return { ward, said };
  };
  const dial = async (ward: Ward, ...lines: string[]): Promise<Socket> => {
    const { hostname, port } = new URL(ward.url);
    const socket = connect(Number(port), hostname).on('error', () => {});
    sockets.push(socket);
    await once(socket, 'connect');
    if (lines.length > 0) await new Promise((done) => socket.write(lines.join('\r\n'), done));
    return socket;
  };
  const head = (ward: Ward, first: string, ...more: string[]) => [
    `${first} HTTP/1.1`,
    'Host: ward',
    `Authorization: Basic ${Buffer.from(ward.auth).toString('base64')}`,
    ...more,
    '',
  ];

  it('with streams, uploads, half a request, silent connections and unread answers open: at once when calls have ended', async () => {
    const { ward, said } = await start();
    const held = await deployHeld(ward, 'held');
    const asked = await ward.request('POST', `${root}/actions/held`, { body: {} });
    await held.begun();
    const stream = await dial(
      ward,
      ...head(ward, `GET ${root}/activations/${asked.body.activationId}/stream`),
      '',
    );
    const [first] = await once(stream, 'data');
    expect(String(first)).toContain('text/event-stream');
    await dial(ward);
    await dial(ward, 'GET /api/v1 HTTP/1.1', 'Host: w');
    const upload = ['Content-Type: application/json', 'Content-Length: 1000000'];
    await dial(ward, ...head(ward, `PUT ${root}/actions/upload`, ...upload), '{"exec":');
    const begun = await ward.request('POST', '/v2/guest/app/blobs/uploads/');
    const location = begun.headers.get('location') ?? '';
    const blob = ['Content-Type: application/octet-stream', 'Content-Length: 1000000'];
    await dial(ward, ...head(ward, `PATCH ${location}`, ...blob), 'half');
    await ward.deploy('long', 'function main() { return { long: "x".repeat(900000) }; }');
    for (let round = 0; round < 4; round++) {
      const body = ['Content-Type: application/json', 'Content-Length: 2'];
      const unread = await dial(
        ward,
        ...head(ward, `POST ${root}/actions/long?blocking=true`, ...body),
        '{}',
      );
      unread.pause();
    }
    await ward.until(async () => {
      const { body } = await ward.request('GET', `${root}/activations?name=long&count=true`);
      return body.activations === 4;
    });
    await held.release();
    const began = performance.now();
    expect(await ward.stop()).toBe(0);
    // Clients get three seconds to read their answers.
    expect(performance.now() - began).toBeLessThan(longestMs / 2);
    expect(said()).not.toContain('not stopped after');
    expect(leftOvers(ward)).toEqual(nothing);
  });

  it('while another process locks the database: in time, and says so', async () => {
    onlyOneMachine('no one can lock all of PostgreSQL');
    const { ward, said } = await start();
    await ward.deploy('quick', 'function main() { return {}; }');
    await ward.invoke('quick');
    using other = new DatabaseSync(join(ward.dataDir, 'state', 'ward.db'));
    other.exec('PRAGMA busy_timeout = 10000; BEGIN IMMEDIATE');
    const late = ward.request('POST', `${root}/actions/quick`, { body: {} }).catch(() => undefined);
    const began = performance.now();
    expect(await ward.stop()).toBe(1);
    expect(performance.now() - began).toBeLessThan(longestMs + slackMs);
    // The entry of the deployment comes first, if it is not in the chain yet.
    expect(said()).toMatch(
      /"waitsFor":"(?:the database|entries of the audit log)".*not stopped after 17 seconds/,
    );
    expect((await late)?.status).not.toBe(202);
    expect(leftOvers(ward)).toEqual(nothing);
  });

  it('without a free descriptor: in time', async () => {
    onlyOneMachine('a node for the API has no keeper');
    const { ward, said } = await start();
    await ward.deploy('slow', 'const main = () => new Promise((done) => setTimeout(done, 1000))');
    // As many sandboxes as calls.
    await Promise.all(Array.from({ length: 5 }, () => ward.invoke('slow')));
    const processes = processesBelow(ward.pid);
    expect(processes.length).toBeGreaterThanOrEqual(2);
    for (const { pid, status } of processes) {
      const [uid] = (status['Uid'] ?? '').split('\t');
      const [gid] = (status['Gid'] ?? '').split('\t');
      const used = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
      let free = 0;
      while (used.has(free)) free++;
      // As the process's own user, who needs no privilege for it.
      const asOwner = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
      await mustRun([...asOwner, 'prlimit', `--pid=${pid}`, `--nofile=${free}:${free}`]);
    }
    for (let round = 0; round < 200; round++) void dial(ward).catch(() => {});
    const began = performance.now();
    expect(await ward.stop(), said()).toBe(0);
    expect(performance.now() - began).toBeLessThan(longestMs + slackMs);
    expect(leftOvers(ward)).toEqual(nothing);
  });
});

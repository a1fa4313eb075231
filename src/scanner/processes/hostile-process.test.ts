/** Scan processes that were taken over: real processes whose program is the attack. */
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { startCommand } from '../../lib/index.ts';
import { filesTar, imageOf, storedLayer } from '../scanner.fixture.ts';
import { module, scannerWith } from '../scans.fixture.ts';
import { analystInProcesses } from './pool.ts';
import type { StartProgram } from './start-program.ts';

const preamble = `
  const { Socket } = require('node:net');
  const stream = new Socket({ fd: 3 });
  const say = (message) => {
    const text = Buffer.from(JSON.stringify(message));
    const head = Buffer.alloc(8);
    head.writeUInt32LE(text.length);
    stream.write(Buffer.concat([head, text]));
  };
  const onJob = (work) => stream.on('data', (bytes) => {
    if (bytes.includes('"start"')) work();
  });
`;

function starting(attack: string): StartProgram {
  return async () => {
    const child = startCommand([process.execPath, '-e', preamble + attack], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    });
    const [, , stderr, stream] = child.stdio;
    if (!(stream instanceof Socket) || !(stderr instanceof Socket)) throw new Error('no streams');
    const exited = new Promise<string>((resolve) =>
      child.once('close', (code, signal) => resolve(`${signal ?? code}`)),
    );
    return { stream, stderr, exited, kill: () => void child.kill('SIGKILL') };
  };
}

const ready = `say({ revision: '1' });`;

describe('a scan process that was taken over', () => {
  it.each([
    ['sends an invalid message', `stream.write('GET / HTTP/1.1\\r\\n\\r\\n');`, 'too long'],
    ['announces more than there may be', `stream.write(Buffer.alloc(8, 0xff));`, 'too long'],
    ['says nothing that is asked for', `say({ hello: 1 });`, 'revision'],
    ['names another job', `${ready} onJob(() => say({ job: 2, say: 'done', result: {} }));`, 'job'],
    ['asks for bytes that it has not opened', `${ready} onJob(() => say({ job: 1, say: 'more' }));`, 'more'],
    [
      'makes a second request before the answer to the first',
      `${ready} onJob(() => { for (let at = 0; at < 10; at++) say({ job: 1, say: 'open' }); });`,
      'open',
    ],
    [
      'fails with an unknown fault',
      `${ready} onJob(() => say({ job: 1, say: 'failed', failure: { message: '', fault: { code: 'x', kind: 'y' } } }));`,
      'kind',
    ],
  ])('and %s is ended', async (_what, attack, why) => {
    await using analyst = analystInProcesses({ module }, 20_000, { start: starting(attack) });
    const reading = analyst.layer(storedLayer(await filesTar({ a: '' })), new AbortController().signal);
    await expect(reading).rejects.toMatchObject({
      code: 'SCAN_FAILED',
      message: expect.stringContaining(why),
    });
  });

  it('can’t put a result into the cache for another layer', async () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const result = JSON.stringify({ form: 1, digest, diffId: digest, evidence: [], findings: [], files: '' });
    const attack = `${ready} onJob(() => say({ job: 1, say: 'done', result: ${result} }));`;
    await using scanner = scannerWith({ inspectors: { module }, start: starting(attack) });
    await expect(scanner.scanImage(imageOf([await filesTar({ a: '' })]))).rejects.toMatchObject({
      code: 'SCAN_FAILED',
      message: expect.stringContaining('another layer'),
    });
  });
});

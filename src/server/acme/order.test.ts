/** An authority that is away, answers without an end. `acme.test.ts` has pebble. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { newAccountKey, orderPair } from './order.ts';

/** Answers for its directory: the first is for Ward's own look, the next for the library. */
let answers: ((response: ServerResponse) => void)[];
let directory: string;

beforeEach(async () => {
  const server = createServer((_request, response) => {
    const answer = answers.shift();
    if (answer === undefined) response.destroy();
    else answer(response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  directory = `http://127.0.0.1:${port}/dir`;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
});

const found = (response: ServerResponse) => response.end('{}');
/** Sends without an end, until the client hangs up. */
const pours = (bytes: number, everyMs: number) => (response: ServerResponse) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  const timer = setInterval(() => response.write(' '.repeat(bytes)), everyMs);
  response.on('close', () => clearInterval(timer));
};

async function order() {
  const kept = { addProof: vi.fn(), deleteProof: vi.fn() };
  const setting = { directory, names: ['a.example'], email: undefined, challenge: 'http-01' } as const;
  return orderPair(setting, await newAccountKey(), kept);
}

test('an authority that is away is named with what was wrong', async () => {
  answers = [(response) => response.writeHead(503).end()];
  await expect(order()).rejects.toThrow(/does not answer: status 503/);
  answers = [(response) => response.destroy()];
  await expect(order()).rejects.toThrow(/does not answer/);
});

test('an answer that is too long is not read to its end', async () => {
  const pour = pours(256 * 1024, 1);
  answers = [found, pour, pour];
  await expect(order()).rejects.toThrow(/does not answer: maxContentLength/);
});

test('an answer that comes a byte at a time is not waited for', async () => {
  const drip = pours(1, 5);
  answers = [found, drip, drip];
  const timeout = AbortSignal.timeout.bind(AbortSignal);
  const spy = vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => timeout(100));
  onTestFinished(() => spy.mockRestore());
  await expect(order()).rejects.toThrow(/does not answer: canceled/);
});

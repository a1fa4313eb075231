/** An authority that is away, answers without an end, or is not to be asked. `acme.test.ts` has pebble. */
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

async function order(admit: () => Promise<boolean>) {
  const kept = { addProof: vi.fn(), deleteProof: vi.fn() };
  const setting = { directory, names: ['a.example'], email: undefined, challenge: 'http-01' } as const;
  const ordersPerDay = { namespace: 1, all: 1 };
  return orderPair({ ...setting, ordersPerDay }, await newAccountKey(), kept, admit);
}

test('an authority that is away is not given an order', async () => {
  const admit = vi.fn(async () => true);
  answers = [(response) => response.writeHead(503).end()];
  await expect(order(admit)).rejects.toThrow(/does not answer: status 503/);
  answers = [(response) => response.destroy()];
  await expect(order(admit)).rejects.toThrow(/does not answer/);
  expect(admit).not.toHaveBeenCalled();
});

test('without leave, the authority hears nothing of the order', async () => {
  answers = [found, found];
  expect(await order(async () => false)).toBeUndefined();
  expect(answers).toHaveLength(1);
});

test('an answer that is too long is not read to its end', async () => {
  const pour = pours(256 * 1024, 1);
  answers = [found, pour, pour];
  await expect(order(async () => true)).rejects.toThrow(/does not answer: maxContentLength/);
});

test('an answer that comes a byte at a time is not waited for', async () => {
  const drip = pours(1, 5);
  answers = [found, drip, drip];
  const timeout = AbortSignal.timeout.bind(AbortSignal);
  const spy = vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => timeout(100));
  onTestFinished(() => spy.mockRestore());
  await expect(order(async () => true)).rejects.toThrow(/does not answer: canceled/);
});

import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { digestOf } from '../../blobs/index.ts';
import { isJsonObject, newActivationId, silentLog } from '../../lib/index.ts';
import type { AdoptedRow } from '../../store/index.ts';
import { createVault } from '../vault/vault.ts';
import { toQueue } from './accepted-task.ts';
import { Execution } from './execution.ts';
import { createResumption } from './resume.ts';

const keys = [{ id: 'test', secret: randomBytes(32) }] as const;
const vault = createVault(() => keys);

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

/** A page is awaited for a moment. */
async function pass(): Promise<void> {
  await nextTurn();
  await vi.advanceTimersByTimeAsync(5000);
}

/** Enough for many looks at what still waits. */
async function passMany(): Promise<void> {
  for (let n = 0; n < 20; n++) await pass();
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await pass();
}

async function withTime<T>(work: Promise<T>): Promise<T> {
  let isDone = false;
  const ended = work.finally(() => {
    isDone = true;
  });
  await until(() => isDone);
  return ended;
}

function row(parameters: object = {}): AdoptedRow {
  const activationId = newActivationId();
  const task = {
    ...{
      type: 'code' as const,
      namespace: 'guest',
      action: '/guest/hello',
      version: '0.0.1',
      revision: 'r1',
    },
    ...{ kind: 'nodejs:24', code: { digest: digestOf('code'), binary: false, main: 'main' } },
    limits: { timeoutMs: 1000, memoryMiB: 256, logBytes: 1000, concurrency: 1 },
    ...{ initEnv: {}, parameters: { ...parameters }, activationId, transactionId: 't', acceptedAt: 1 },
  };
  const job = toQueue(task, vault);
  const { acceptedAt } = task;
  return { activationId, namespace: 'guest', acceptedAt, attempt: 0, owner: 'gone', job, wasReleased: false };
}

/** Resumes these pages, whose calls wait until the test ends them. */
function resumed(pages: (AdoptedRow[] | Promise<AdoptedRow[]>)[]) {
  const waiting = new Map<string, Execution>();
  const end = (count: number) => {
    for (const [id, { recorded }] of [...waiting].slice(0, count)) {
      waiting.delete(id);
      recorded.reach();
    }
  };
  onTestFinished(() => end(waiting.size));
  const code = { retain() {}, release() {} };
  const givenUp: string[] = [];
  const failed: string[] = [];
  const excepted: (readonly string[])[] = [];
  const { resume, close } = createResumption({
    accepted: {
      adopt: async (_node, _max, except = []) => {
        excepted.push(except);
        return pages.shift() ?? [];
      },
    },
    admission: { resume: () => ({ release() {} }) },
    lease: { node: 'own', held: async () => {}, giveUp: (id) => void givenUp.push(id) },
    executions: {
      begin: (plan) => new Execution(plan, { code, claim: async () => true }),
      find: (id) => waiting.get(id),
      async runQueued(execution) {
        waiting.set(execution.task.activationId, execution);
      },
      fail(execution, text) {
        failed.push(text);
        execution.recorded.reach();
      },
    },
    ...{ vault, log: silentLog },
  });
  return { done: resume(), waiting, end, close, givenUp, failed, excepted };
}

const pageOf = (length: number) => Array.from({ length }, () => row());

test('takes over no further page while more than a thousand calls wait, and goes on when some have ended', async () => {
  const pages = [...Array.from({ length: 6 }, () => pageOf(200)), pageOf(1)];
  const { done, waiting, end } = resumed(pages);
  await until(() => waiting.size === 1200);
  end(199);
  await passMany();
  expect([pages.length, waiting.size]).toEqual([1, 1001]);
  end(1);
  await until(() => waiting.size === 1001 && pages.length === 0);
  end(1);
  expect(await withTime(done)).toEqual({ run: 1201, interrupted: 0 });
});

test('takes over no further page while what waits needs more than 64 MiB', async () => {
  const large = Array.from({ length: 5 }, () => row({ text: 'x'.repeat(14 * 1024 * 1024) }));
  const pages = [large, pageOf(1)];
  const { done, waiting, end } = resumed(pages);
  await until(() => waiting.size === 5);
  end(1);
  await passMany();
  expect([pages.length, waiting.size]).toEqual([1, 4]);
  end(1);
  expect(await withTime(done)).toEqual({ run: 6, interrupted: 0 });
});

test('ends at a stop, although more than a thousand calls still wait', async () => {
  const pages = [...Array.from({ length: 6 }, () => pageOf(200)), pageOf(1)];
  const { done, waiting, close } = resumed(pages);
  await until(() => waiting.size === 1200);
  await passMany();
  await close();
  expect(await done).toEqual({ run: 1200, interrupted: 0 });
  expect([pages.length, waiting.size]).toEqual([1, 1200]);
});

test('waits at a stop for the page that it reads, and begins none of its calls', async () => {
  const page = Promise.withResolvers<AdoptedRow[]>();
  const { done, waiting, close } = resumed([page.promise]);
  await nextTurn();
  let isClosed = false;
  const closed = close().then(() => {
    isClosed = true;
  });
  await nextTurn();
  expect(isClosed).toBe(false);
  page.resolve(pageOf(3));
  await closed;
  expect(await done).toEqual({ run: 0, interrupted: 0 });
  expect(waiting.size).toBe(0);
});

test('leaves calls of a form that only a newer server knows to others, and does not take them again', async () => {
  const newer = { ...row(), job: { type: 'newer' } };
  const { done, waiting, givenUp, excepted, end } = resumed([[newer, row()]]);
  await until(() => excepted.length === 2);
  expect(givenUp).toEqual([newer.activationId]);
  expect(excepted).toEqual([[], [newer.activationId]]);
  end(waiting.size);
  expect(await withTime(done)).toEqual({ run: 1, interrupted: 0 });
});

const key = "its caller's API key, which is not kept.";
const lost = 'The activation was interrupted: the server that had it stopped or was cut off';
const released =
  'The activation was interrupted: the server that had it gave it up without a record of its end';

test.each([
  [false, 1, false, `${lost}.`],
  [false, 1, true, `${lost}, and can't be run again: it needs ${key}`],
  [
    false,
    0,
    true,
    `The activation was not started before the server that had it stopped or was cut off, and needs ${key}`,
  ],
  [true, 1, false, `${released}.`],
  [true, 1, true, `${released}, and can't be run again: it needs ${key}`],
  [
    true,
    0,
    true,
    `The activation was not started before the server that had it gave it up, and needs ${key}`,
  ],
  [true, 3, true, 'The activation was interrupted 3 times, and is not run again.'],
])(
  'tells a lost server from one that gave the call up (%s), after %i runs; needs a key: %s',
  async (wasReleased, attempt, needsApiKey, text) => {
    const { job, ...call } = row();
    const more = { needsApiKey, retriesOnRestart: needsApiKey };
    const left = { ...call, wasReleased, attempt, job: { ...(isJsonObject(job) && job), ...more } };
    const { done, failed } = resumed([[left]]);
    expect(await withTime(done)).toEqual({ run: 0, interrupted: 1 });
    expect(failed).toEqual([text]);
  },
);

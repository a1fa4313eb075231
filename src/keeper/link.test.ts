import { expect, test } from 'vitest';
import { hostTroubleOf } from '../lib/index.ts';
import { sayLine } from './lines.ts';
import { linked } from './link.fixture.ts';

test('the loss of the keeper is known before the requests that wait for it fail', async () => {
  const { link, keeper } = await linked();
  const seen: string[] = [];
  link.onLost = () => seen.push('lost');
  void link.ended.then(() => seen.push('ended'));
  const asked = link.ask('told', { sandbox: 'a' }).catch(() => seen.push('failed'));
  keeper.destroy();
  await asked;
  await link.ended;
  expect(seen).toEqual(['lost', 'failed', 'ended']);
});

test('a link that the server closed is not reported as lost', async () => {
  const { link } = await linked();
  let isLost = false;
  link.onLost = () => {
    isLost = true;
  };
  link.close();
  await link.ended;
  expect(isLost).toBe(false);
});

test('the server learns the system error behind a fault of the keeper', async () => {
  const { link, keeper } = await linked();
  const asked = link.ask('told', { sandbox: 'a' }, 7);
  const fault = { code: 'SANDBOX_START_FAILED', kind: 'host', message: 'no descriptor', errno: 'EMFILE' };
  sayLine(keeper, { say: 'fault', id: 7, fault });
  const error = await asked.catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'SANDBOX_START_FAILED', kind: 'host', message: 'no descriptor' });
  expect(hostTroubleOf(error)).toBe('exhausted');
  link.close();
});

const exit = {
  ...{ code: 0, signal: null, outOfMemory: false, seccompKill: false, killed: false },
  runtimeError: undefined,
};
const usage = { memoryBytes: 0, memoryPeakBytes: 0, cpuUsec: 0, pids: 0, oomKills: 0, refusedForks: 0 };

test('an end that arrives together with the answer to the start is heard', async () => {
  const { link, keeper } = await linked();
  const starting = link.ask('scan', {}, 7);
  keeper.cork();
  sayLine(keeper, { say: 'answer', id: 7, value: { scan: 's' } });
  sayLine(keeper, { say: 'scanned', scan: 's', how: '1' });
  sayLine(keeper, { say: 'answer', id: 8, value: { sandbox: 'a' } });
  sayLine(keeper, { say: 'ended', sandbox: 'a', exit, usage });
  keeper.uncork();
  const { scan } = await starting;
  const heard: unknown[] = [];
  link.watchScan(scan, (how) => heard.push(how));
  link.watch('a', { ended: (told) => heard.push(told.code), lost: () => {} });
  expect(heard).toEqual(['1', 0]);
  link.close();
});

test('requests to a keeper that has ended are refused, and its scans have ended', async () => {
  const { link, keeper } = await linked();
  keeper.destroy();
  await link.ended;
  await expect(link.ask('told', { sandbox: 'a' })).rejects.toMatchObject({ code: 'SANDBOX_START_FAILED' });
  await link.idle();
  const heard: string[] = [];
  link.watchScan('s', (how) => heard.push(how));
  expect(heard).toEqual(['the keeper has ended']);
});

test('news that come before anyone takes them are kept, in their order', async () => {
  const { link, keeper } = await linked();
  const [first, second, third] = [{ keys: 1 }, { keys: 2 }, { keys: 3 }];
  keeper.cork();
  for (const news of [first, second]) sayLine(keeper, { say: 'news', news });
  sayLine(keeper, { say: 'left', count: 1 });
  keeper.uncork();
  await expect.poll(() => link.leftBehind).toBe(1);
  const heard: unknown[] = [];
  link.takeNews((news) => heard.push(news));
  sayLine(keeper, { say: 'news', news: third });
  await expect.poll(() => heard).toEqual([first, second, third]);
  link.close();
});

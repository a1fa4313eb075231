import { expect, test } from 'vitest';
import { hostTroubleOf } from '../lib/index.ts';
import { sayLine } from './lines.ts';
import { linked } from './link.fixture.ts';

test('that the keeper is gone is known before anything that waits for it fails', async () => {
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

test('a link that was closed here is not lost', async () => {
  const { link } = await linked();
  let isLost = false;
  link.onLost = () => {
    isLost = true;
  };
  link.close();
  await link.ended;
  expect(isLost).toBe(false);
});

test('what the system answered to the keeper is known on this side too', async () => {
  const { link, keeper } = await linked();
  const asked = link.ask('told', { sandbox: 'a' }, 7);
  const fault = { code: 'SANDBOX_START_FAILED', kind: 'host', message: 'no descriptor', errno: 'EMFILE' };
  sayLine(keeper, { say: 'fault', id: 7, fault });
  const error = await asked.catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'SANDBOX_START_FAILED', kind: 'host', message: 'no descriptor' });
  expect(hostTroubleOf(error)).toBe('exhausted');
  link.close();
});

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { call } from './client.ts';
import { serverNow } from './server-clock.ts';

const hourMs = 3_600_000;
const now = Date.UTC(2026, 10, 29, 12);

beforeEach(() => void vi.useFakeTimers({ now, toFake: ['Date'] }));
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

async function answer(headers: Record<string, string>): Promise<void> {
  vi.stubGlobal('fetch', async () => Response.json({}, { headers }));
  await call('GET', '/ward/v1/session');
}

test('the time is that of the server, also if the clock of the browser is an hour off', async () => {
  for (const offMs of [hourMs, -hourMs]) {
    await answer({ date: new Date(now - offMs).toUTCString() });
    expect(Math.abs(serverNow() - (now - offMs))).toBeLessThan(1000);
    await answer({ date: 'soon' });
    await answer({});
    vi.setSystemTime(Date.now() + 5000);
    expect(Math.abs(serverNow() - (now + 5000 - offMs))).toBeLessThan(1000);
    vi.setSystemTime(now);
  }
  await answer({ date: new Date(now - 1000).toUTCString() });
  expect(serverNow()).toBe(now);
});

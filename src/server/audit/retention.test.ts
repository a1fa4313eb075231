import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openGateStore } from '../../gate/index.ts';
import { silentLog } from '../../lib/index.ts';
import { startAuditRetention } from './retention.ts';

test('a server removes what is too old or too much, and the log can be verified', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-retention-'));
  await using chain = await openGateStore({ path: join(folder.path, 'gate.db') });
  const at = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();
  const audit = [30, 20, 3, 2, 1].map((days) => ({
    time: at(days),
    event: 'x',
    actor: 'a',
    name: `${days}`,
  }));
  await chain.write({ audit });
  const names = async () => (await chain.audit()).map(({ name }) => name);
  const parts = { chain, log: silentLog, everyMs: 5 };
  {
    await using _retention = startAuditRetention({ ...parts, config: { keepDays: 0, keepEntries: 0 } });
  }
  expect(await names()).toEqual(['30', '20', '3', '2', '1']);
  {
    await using _retention = startAuditRetention({ ...parts, config: { keepDays: 10, keepEntries: 0 } });
  }
  expect(await names()).toEqual(['3', '2', '1', 'entries up to 2']);
  {
    await using _retention = startAuditRetention({ ...parts, config: { keepDays: 0, keepEntries: 3 } });
    await expect.poll(names).toEqual(['1', 'entries up to 2', 'entries up to 4']);
  }
  expect(await chain.verifyAudit()).toMatchObject({ isIntact: true, problems: [] });
});

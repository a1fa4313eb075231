/** Who talks to whom, and what one run reached. */
import { expect, test } from 'vitest';
import { newActivationId } from '../../src/lib/index.ts';
import type { ConsoleBrowser } from '../browser.ts';
import { openStateOf } from '../engine-switch.ts';
import type { Ward } from '../ward.ts';
import { foreignText, longName, script } from './hostile.ts';

interface Parts {
  readonly ward: Ward;
  readonly browser: ConsoleBrowser;
}

/** @param parts a browser with the sessions of a key and of an operator */
export function egressPages(parts: () => Parts): void {
  test('shows which names functions reached and were refused, and leads to the run', async () => {
    const { ward, browser } = parts();
    const { page } = browser;
    await page.goto('/console/egress');
    await page.getByText('No function used the network').waitFor();
    const id = await seedEgress(ward);
    await page.getByRole('button', { name: 'Look again' }).click();
    const row = page.getByRole('row').filter({ hasText: `tcp ${longName}:443` });
    await row.getByText('1.0 KiB').waitFor();
    await page.getByRole('cell', { name: `refused ${script}` }).waitFor();
    await page.getByText('not told apart').waitFor();
    await browser.inspect('egress');
    await page.getByLabel('Outcome').selectOption('false');
    await page.getByLabel('Part of a name or address').fill('NNN');
    await page.getByText('1 target.', { exact: true }).waitFor();
    expect(page.url()).toBe(`${ward.url}/console/egress?refused=false&target=NNN`);
    await page.getByLabel('Namespace').fill('other');
    await page.getByText('Nothing fits.').waitFor();
    await page.getByLabel('Namespace').fill('guest');
    await row.getByRole('link').last().click();
    await page.waitForURL(`**/console/runs/${id}`);
    const connections = page.getByRole('region', { name: 'Connections' });
    await connections.getByText(`tcp ${script}:443`).waitFor();
    await page.getByText('Sent 1.0 KiB and received 2.0 KiB in all.').waitFor();
    await page.getByText('1 connection', { exact: true }).waitFor();
    await page.getByText('1 refused', { exact: true }).waitFor();
    // Each at its moment: in the middle, and, with a clock that is wrong, at the end.
    const marks = await page.locator('.moments i').evaluateAll((all) => all.map((each) => each.style.left));
    expect(marks).toEqual(['50%', '100%']);
    expect(browser.problems).toEqual([]);
  });
}

/** What hostile functions did on the network. Returns the id of a run. */
async function seedEgress(ward: Ward): Promise<string> {
  await using store = await openStateOf(ward.dataDir);
  const activationId = newActivationId();
  const use = (target: string, refusal = '') => ({
    ...{ target, refusal, port: 443, protocol: 'tcp', attempts: 1, sentBytes: 1024, receivedBytes: 2048 },
  });
  const egress = [
    ...[use(longName), use(''), use(`${script}${foreignText}`), use('10.0.0.1', script)],
    ...[use('evil.example', 'no rule allows it')],
  ];
  const usage = { mibMs: 1, isCold: false, sentBytes: 0, receivedBytes: 0, egress };
  const [start, path] = [Date.now(), `p/${longName}`];
  const connection = { name: script, address: '203.0.113.7', port: 443, protocol: 'tcp', at: start + 500 };
  const annotations = [
    { key: 'path', value: `guest/${path}` },
    { key: 'traffic', value: { sentBytes: 1024, receivedBytes: 2048, connections: [connection] } },
    { key: 'violations', value: [{ kind: 'egress', detail: `name ${script}: no`, at: start + 86_400_000 }] },
  ];
  const record = {
    activationId,
    namespace: 'guest',
    name: longName,
    start,
    end: start + 1000,
    duration: 1000,
  };
  const row = { activationId, namespace: 'guest', name: longName, path, start, end: start + 1000, usage };
  const documentJson = JSON.stringify({ ...record, version: '0.0.1', annotations });
  const responseJson = JSON.stringify({ status: 'success', success: true, result: {} });
  await store.activations.append({
    ...{ row: { ...row, statusCode: 0, documentJson, responseJson }, logs: [], settles: null },
  });
  return activationId;
}

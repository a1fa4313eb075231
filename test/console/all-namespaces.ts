/** What operators see of all namespaces at once. */
import { expect, test } from 'vitest';
import type { ConsoleBrowser } from '../browser.ts';
import type { Ward } from '../ward.ts';

interface Parts {
  readonly ward: Ward;
  readonly browser: ConsoleBrowser;
}

/** Without a place to break, and the longest that a namespace can have. */
const other = 'm'.repeat(250);

/** @param parts a browser with the sessions of a key and of an operator; `guest` has had calls, and some failed */
export function allNamespaces(parts: () => Parts): void {
  test('shows how the calls of all namespaces go, live, the worst first', async () => {
    const { ward, browser } = parts();
    const { page } = browser;
    const asOperator = async (method: string, path: string, body?: object) => {
      const options = {
        method,
        headers: { 'x-ward-console': '1', ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
      };
      return await page.evaluate(async ([url, given]) => await (await fetch(url, given)).text(), [
        `/ward/v1/operator${path}`,
        options,
      ] as const);
    };
    const { key } = JSON.parse(await asOperator('POST', '/namespaces', { name: other }));
    const fail = { exec: { kind: 'nodejs:24', code: "const main = () => ({ error: 'no' })" } };
    await page.goto('/console/overview');
    const table = page.getByRole('region', { name: 'Calls of all namespaces' });
    await table.getByRole('link', { name: 'guest' }).waitFor();
    expect(await table.getByRole('link', { name: other }).count()).toBe(0);
    await ward.request('PUT', '/api/v1/namespaces/_/actions/fail', { auth: key, body: fail });
    for (let at = 0; at < 6; at++)
      await ward.request('POST', '/api/v1/namespaces/_/actions/fail?blocking=true', { auth: key });
    // Without a reload.
    await table.getByText('6, 100.0 %').waitFor();
    const names = table.getByRole('row').locator('td:first-child');
    expect((await names.allTextContents()).slice(0, 2)).toEqual([other, 'guest']);
    await browser.inspect('calls of all namespaces');
    await page.getByLabel('Calls that began').selectOption('5m');
    await table.getByText('6, 100.0 %').waitFor();
    expect(page.url()).toBe(`${ward.url}/console/overview?window=5m`);
    const row = (name: string) => table.getByRole('row').filter({ hasText: name });
    // The operator may not open its runs: its page has the counts that the figures are made of.
    const [name, ...figures] = await row(other).getByRole('link').all();
    expect(await name?.getAttribute('href')).toBe(`/console/namespaces/${other}`);
    for (const link of figures)
      expect(await link.getAttribute('href')).toBe(`/console/namespaces/${other}?window=5m`);
    await row(other).getByRole('link', { name: '6', exact: true }).click();
    const slots = page.getByRole('region', { name: 'Calls over time' });
    await slots.waitFor();
    const shown = await slots.getByRole('row').locator('td:nth-child(2)').allTextContents();
    expect(shown.reduce((sum, text) => sum + Number(text), 0)).toBe(6);
    await browser.inspect('calls of a namespace');
    await page.goBack();

    // A firing is no call, neither in the figures nor in the lists behind them.
    await ward.request('PUT', '/api/v1/namespaces/_/triggers/no-call', { body: {} });
    const rule = { trigger: '/_/no-call', action: '/_/greet' };
    const made = await ward.request('PUT', '/api/v1/namespaces/_/rules/fires', { body: rule });
    expect(made).toMatchObject({ status: 200, body: { name: 'fires' } });
    const callsOf = async () =>
      JSON.parse(await asOperator('GET', '/calls?window=1d&namespace=guest')).namespaces[0];
    const before = await callsOf();
    expect((await ward.request('POST', '/api/v1/namespaces/_/triggers/no-call')).status).toBe(202);
    await expect.poll(async () => (await callsOf()).calls).toBe(before.calls + 1);
    await page.goto('/console/overview?window=1d');
    const expected = await callsOf();
    const counted = (count: number) => (count === 1 ? '1 run' : `${count} runs`);
    for (const [index, count, rest] of [
      [1, expected.failed, '&calls=true&failed=true'],
      [2, expected.calls, '&calls=true'],
      [6, expected.coldStarts, '&calls=true&start=cold'],
    ] as const) {
      const link = row('guest').getByRole('link').nth(index);
      await link.click();
      await page.getByText(counted(count), { exact: true }).waitFor();
      expect(page.url()).toMatch(new RegExp(`/console/runs\\?since=\\d{13}${rest}$`));
      const period = page.getByLabel('Started').locator('option:checked');
      expect(await period.textContent()).toMatch(/^Since /);
      await page.goBack();
    }
    for (const path of ['rules/fires', 'triggers/no-call'])
      await ward.request('DELETE', `/api/v1/namespaces/_/${path}`);
    await asOperator('DELETE', `/namespaces/${other}`);
    expect(browser.problems).toEqual([]);
  });
}

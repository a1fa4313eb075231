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
    // The operator may not open its runs.
    for (const link of await row(other).getByRole('link').all())
      expect(await link.getAttribute('href')).toBe(`/console/namespaces/${other}`);
    await row('guest').getByRole('link').nth(1).click();
    expect(page.url()).toBe(`${ward.url}/console/runs?since=hour&failed=true`);
    await asOperator('DELETE', `/namespaces/${other}`);
    expect(browser.problems).toEqual([]);
  });
}

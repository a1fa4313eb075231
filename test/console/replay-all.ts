/** Calls again what the filters of the list of runs select. */
import { expect, test } from 'vitest';
import type { ConsoleBrowser } from '../browser.ts';
import type { Ward } from '../ward.ts';

interface Given {
  readonly ward: Ward;
  readonly browser: ConsoleBrowser;
}

const code = `const main = ({ order }) => (order > 17 ? { error: 'order ' + order + ' is lost' } : { order })`;

/** @param given a browser with the session of a key */
export function replayAll(given: () => Given): void {
  test('runs all that the filters select again, and counts them before', async () => {
    const { ward, browser } = given();
    const { page } = browser;
    const path = '/api/v1/namespaces/_/actions/again';
    const annotations = [{ key: 'capture-input', value: true }];
    await ward.request('PUT', path, { body: { exec: { kind: 'nodejs:24', code }, annotations } });
    for (const order of [17, 18, 19]) await ward.invoke('again', { order });
    const ordersOf = async () => {
      const url = '/api/v1/namespaces/_/activations?name=again&docs=true';
      const { body } = await ward.request('GET', url);
      return body.map(({ response: { result } }: { response: { result: object } }) => JSON.stringify(result));
    };
    await expect.poll(ordersOf).toHaveLength(3);
    await page.goto('/console/runs?name=absent');
    await page.getByRole('button', { name: 'Run all again…' }).click();
    await page.getByText('No call fits these filters.').waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
    await page.goto('/console/runs?name=again&failed=true&since=hour');
    await page.getByRole('button', { name: 'Run all again…' }).click();
    await page.getByText('2 calls fit these filters.').waitFor();
    await page.getByText('the whole input of 2 of the last 2').waitFor();
    await browser.inspect('replay of what fits');
    await page.getByRole('button', { name: 'Start 2 calls' }).click();
    await page.getByText('Started 2 calls of again.').waitFor();
    expect(page.url()).toBe(`${ward.url}/console/runs?name=again`);
    const lost = [18, 18, 19, 19].map((order) => JSON.stringify({ error: `order ${order} is lost` }));
    await expect.poll(async () => (await ordersOf()).toSorted()).toEqual([...lost, '{"order":17}']);

    await page.getByRole('button', { name: 'Run all again…' }).click();
    await page.getByText('5 calls fit these filters.').waitFor();
    await ward.request('DELETE', path);
    await page.getByRole('button', { name: 'Start 5 calls' }).click();
    await page.getByText('Not started: 5 calls. There is no function any more').waitFor();
    browser.forget(/status of 404/);
    expect(browser.problems).toEqual([]);
    // The error would stay on the next pages.
    await page.goto('/console/runs');
  });
}

/** The page of errors hears of others. */
import { expect, test } from 'vitest';
import type { ConsoleBrowser } from '../browser.ts';
import type { Ward } from '../ward.ts';

interface Given {
  readonly ward: Ward;
  readonly browser: ConsoleBrowser;
}

/** @param given a browser with the session of a key */
export function liveErrors(given: () => Given): void {
  test('tells on the page of errors that others failed, and moves nothing', async () => {
    const { ward, browser } = given();
    const { page } = browser;
    await ward.deploy(
      'broken',
      "const main = ({ order }) => ({ [order > 17 ? 'error' : 'order']: 'order ' + order })",
    );
    await ward.invoke('broken', { order: 18 });
    const runs = (count: number) =>
      page.getByRole('cell').getByRole('link', { name: `${count}`, exact: true });
    await page.goto('/console/errors?name=broken&since=hour');
    await runs(1).waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
    for (const order of [17, 20, 21]) await ward.invoke('broken', { order });
    await page.getByText('2 new ones since.').waitFor();
    expect(await runs(1).count()).toBe(1);
    await page.getByRole('button', { name: 'Look again' }).click();
    await runs(3).waitFor();
    await page.getByText('since.').waitFor({ state: 'detached' });
    await ward.request('DELETE', '/api/v1/namespaces/_/actions/broken');
    expect(browser.problems).toEqual([]);
  });
}

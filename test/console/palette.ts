/** What Ctrl-K finds. */
import type { Request } from 'playwright-core';
import { expect, test } from 'vitest';
import type { ConsoleBrowser } from '../browser.ts';
import type { Ward } from '../ward.ts';

interface Given {
  readonly ward: Ward;
  readonly browser: ConsoleBrowser;
}

/** @param given a browser with the sessions of a key and of an operator */
export function palette(given: () => Given): void {
  test('finds triggers and namespaces by Ctrl-K, and asks for each list once', async () => {
    const { ward, browser } = given();
    const { page } = browser;
    const path = '/api/v1/namespaces/_/triggers/order-came';
    expect((await ward.request('PUT', path, { body: {} })).status).toBe(200);
    await page.goto('/console/account');
    await page.getByRole('heading', { name: 'Your login' }).waitFor();
    const field = page.getByRole('dialog').getByRole('combobox');
    const asked: string[] = [];
    const ask = (request: Request) => asked.push(new URL(request.url()).pathname);
    page.on('request', ask);
    await page.keyboard.press('Control+k');
    for (const text of ['r', 'r-c', '', 'r-cam']) await field.fill(text);
    await page.getByRole('option', { name: 'order-came trigger' }).waitFor();
    await field.fill('k.sys');
    await page.getByRole('option', { name: 'whisk.system namespace' }).waitFor();
    for (const list of ['/namespaces/_/triggers', '/operator/namespaces'])
      expect(asked.filter((each) => each.endsWith(list))).toHaveLength(1);
    page.off('request', ask);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'whisk.system' }).waitFor();
    await page.keyboard.press('Control+k');
    await field.fill('order-came');
    await page.getByRole('option', { name: 'order-came trigger' }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'order-came' }).waitFor();
    expect(page.url()).toBe(`${ward.url}/console/triggers/order-came`);
    await ward.request('DELETE', path);
    expect(browser.problems).toEqual([]);
  });
}

/** What an operator sees who has no key: `ward console login` in a browser of its own. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import type { ConsoleBrowser } from '../browser.ts';
import type { Ward } from '../ward.ts';

interface Given {
  readonly ward: Ward;
  readonly browser: ConsoleBrowser;
  readonly operatorUrl: () => Promise<string>;
}

/** What only keys may see, or do. */
const ofKeys = [
  'functions',
  'functions/greet',
  'new-function',
  'runs',
  'errors',
  'logs',
  'triggers',
  'domains',
];

/** @param given a Ward whose namespace `guest` has the function `greet` */
export function operatorAlone(given: () => Given): void {
  test('shows an operator without a key the pages of operators, and no secret of a namespace', async () => {
    const { ward, browser, operatorUrl } = given();
    const context = await browser.context.browser()?.newContext({ baseURL: ward.url });
    if (context === undefined) throw new Error('the browser has ended');
    try {
      const page = await context.newPage();
      const seen = watchAnswers(page);
      await page.goto(await operatorUrl());
      const rail = page.getByRole('navigation', { name: 'Pages' }).getByRole('link');
      await rail.first().waitFor();
      const names = await rail.allTextContents();
      expect(names).toEqual([
        ...['Overview', 'Gate', 'Egress', 'Isolation', 'Namespaces', 'Data and usage'],
        ...['Backups and upgrade', 'Nodes', 'Audit log', 'Your login'],
      ]);
      for (const name of names) {
        await rail.filter({ hasText: new RegExp(`^${name}$`) }).click();
        await isLoaded(page, name);
      }
      await page.goto('/console/namespaces/guest');
      await isLoaded(page, 'guest');
      // Its buttons do what they say.
      await page.getByRole('button', { name: 'New key…' }).click();
      await page.getByLabel('What it is for').fill('no key of the operator');
      await page.getByRole('button', { name: 'Make the key' }).click();
      const key = (await page.getByRole('dialog').locator('pre').textContent()) ?? '';
      await page.getByRole('button', { name: 'I have copied it' }).click();
      expect((await ward.request('GET', '/api/v1/namespaces', { auth: key })).body).toEqual(['guest']);
      await page.getByRole('button', { name: 'Delete the key' }).last().click();
      await page.getByLabel('Type guest to confirm').fill('guest');
      await page.getByRole('button', { name: 'Delete the key', exact: true }).last().click();
      await page.getByText('Deleted the key.').waitFor();
      for (const path of ofKeys) {
        await page.goto(`/console/${path}`);
        await page.getByText('No such page').waitFor();
      }
      expect(await seen.refused()).toEqual([]);
      const [, secret = ''] = ward.auth.split(':');
      expect(secret.length).toBeGreaterThan(20);
      expect(await seen.text()).toContain('guest');
      expect(await seen.text()).not.toContain(secret);
    } finally {
      await context.close();
    }
  });
}

/** Nothing is on its way any more, and nothing has failed. */
async function isLoaded(page: Page, heading: string): Promise<void> {
  await page.getByRole('heading', { name: heading, level: 1 }).waitFor();
  await expect.poll(() => page.locator('main .loading').count()).toBe(0);
  expect(await page.getByRole('alert').count()).toBe(0);
}

/** What the API answers to the page. */
function watchAnswers(page: Page) {
  const bodies: Promise<string>[] = [];
  const refused: string[] = [];
  page.on('response', (response) => {
    const path = new URL(response.url()).pathname;
    if (response.status() >= 400) refused.push(`${response.status()} ${path}`);
    // A stream has no end.
    if (/^\/(api|ward)\//.test(path) && !path.endsWith('/stream'))
      bodies.push(response.text().catch(() => ''));
  });
  return {
    refused: async () => refused,
    text: async () => (await Promise.all(bodies)).join('\n'),
  };
}

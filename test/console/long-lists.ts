/** A namespace with 100,000 runs and 10,000 functions: its lists, the search and the palette. */
import type { Page, Request, Response } from 'playwright-core';
import { expect, test } from 'vitest';
import type { Store } from '../../src/store/index.ts';
import { type ConsoleBrowser, countBytes } from '../browser.ts';
import { openStateOf } from '../engine-switch.ts';
import type { Ward } from '../ward.ts';

interface Given {
  readonly ward: Ward;
  readonly browser: ConsoleBrowser;
}

export const namespace = 'crowded';
/** A screen of 900 pixels has 28 at most, and the page keeps 12 above and below it, and the head. */
const mostRows = 28 + 2 * 12 + 2;
/** From an empty cache to the overview, with the login. */
const mostFirstBytes = 150 * 1024;
/** Of a record that the list must not load. */
const payload = 'a result that no list shows';

export function longLists(given: () => Given): void {
  test('scrolls through 100,000 runs, and finds one of 10,000 functions', async () => {
    const { ward, browser } = given();
    const key = await ward.createNamespace(namespace);
    await fillNamespace(ward, key, { runs: 100_000, functions: 10_000 });
    const context = await browser.context.browser()?.newContext({
      ...{ baseURL: ward.url, viewport: { width: 1440, height: 900 } },
    });
    if (context === undefined) throw new Error('the browser has ended');
    try {
      const page = await context.newPage();
      const problems: string[] = [];
      page.on('pageerror', ({ message }) => problems.push(message));
      await overview(page, key);
      await longRuns(page);
      await manyFunctions(page);
      expect(problems).toEqual([]);
    } finally {
      await context.close();
    }
  });
}

/** It loads as much as it ever does. */
async function overview(page: Page, key: string): Promise<void> {
  const loaded = await countBytes(page);
  await page.goto('/console/');
  await page.getByLabel('Key of your namespace').fill(key);
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
  await page.getByText('a second').waitFor();
  expect(loaded()).toBeLessThan(mostFirstBytes);
}

async function longRuns(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Runs' }).click();
  await page.getByText('100,000 runs', { exact: true }).waitFor();
  const pages = watchPages(page, '/activations?');
  expect(await scrollToEnd(page)).toBeLessThanOrEqual(mostRows);
  await page.locator('[aria-rowindex="100001"]').getByRole('link').waitFor();
  await page.evaluate('scrollTo(0, 0)');
  await page.locator('[aria-rowindex="2"]').getByRole('link').waitFor();
  expect(pages.mostAtOnce()).toBe(1);
  expect(await pages.text()).not.toContain(payload);
}

async function manyFunctions(page: Page): Promise<void> {
  const pages = watchPages(page, '/actions?');
  await page.getByRole('link', { name: 'Functions' }).click();
  await page.getByText('10,000 functions', { exact: true }).waitFor();
  await page.getByRole('link', { name: 'one-0', exact: true }).waitFor();
  expect(await scrollToEnd(page)).toBeLessThanOrEqual(mostRows);
  await page.locator('[aria-rowindex="10001"]').getByRole('link', { name: 'one-9999' }).waitFor();
  expect(pages.mostAtOnce()).toBe(1);
  await page.getByLabel('Search functions').fill('NE-777');
  await page.getByText('11 functions', { exact: true }).waitFor();
  await expect.poll(() => page.getByRole('link', { name: /^one-777\d?$/ }).count()).toBe(11);
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').fill('one-');
  await expect.poll(() => page.getByRole('option').count()).toBe(8);
  await page.getByRole('combobox').fill('one-4321');
  await page.getByRole('option', { name: 'one-4321 function' }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'one-4321' }).waitFor();
}

/** One step in each frame. @returns how many rows the page had at most */
async function scrollToEnd(page: Page): Promise<number> {
  return Number(
    await page.evaluate(`(async () => {
      const height = document.documentElement.scrollHeight - innerHeight;
      let most = 0;
      for (let step = 1; step <= 60; step++) {
        scrollTo(0, (height * step) / 60);
        await new Promise(requestAnimationFrame);
        most = Math.max(most, document.querySelectorAll('[role=row]').length);
      }
      return most;
    })()`),
  );
}

/** The requests for pages of a list. */
function watchPages(page: Page, path: string) {
  const answers: Response[] = [];
  const underWay = new Set<Request>();
  let most = 0;
  const isPage = (url: string) => url.includes(path) && url.includes('skip=') && !url.includes('name=');
  page.on('request', (request) => {
    if (!isPage(request.url())) return;
    underWay.add(request);
    most = Math.max(most, underWay.size);
  });
  const ended = (request: Request) => void underWay.delete(request);
  page.on('requestfinished', ended);
  page.on('requestfailed', ended);
  page.on('response', (response) => {
    if (isPage(response.url())) answers.push(response);
  });
  return {
    mostAtOnce: () => most,
    text: async () => (await Promise.all(answers.map((answer) => answer.text()))).join('\n'),
  };
}

/** Calls would take minutes: it writes copies of one function and of one record that Ward made. */
export async function fillNamespace(
  ward: Ward,
  key: string,
  { runs, functions }: { readonly runs: number; readonly functions: number },
): Promise<void> {
  await ward.deploy('one-0', `const main = () => ({ text: '${payload}' })`, { auth: key });
  const { body } = await ward.invoke('one-0', {}, key);
  await using store = disposable(await openStateOf(ward.dataDir));
  await ward.until(async () => (await store.activations.get(namespace, body.activationId)) !== undefined);
  await copyRun(store, body.activationId, runs - 1);
  await copyFunction(store, functions - 1);
}

function disposable(store: Store): Store & AsyncDisposable {
  return { ...store, [Symbol.asyncDispose]: () => store.close() };
}

async function copyRun(store: Store, activationId: string, copies: number): Promise<void> {
  const row = await store.activations.get(namespace, activationId);
  if (row === undefined) throw new Error(`there is no record ${activationId}`);
  const { response, ...document } = row.document;
  const responseJson = JSON.stringify(response);
  const atOnce = 2000;
  for (let from = 1; from <= copies; from += atOnce) {
    const some = Array.from({ length: Math.min(atOnce, copies - from + 1) }, (_, at) => from + at);
    await Promise.all(
      some.map((at) => {
        const own = {
          activationId: at.toString(16).padStart(32, '0'),
          start: row.start - at * 100,
          end: row.start - at * 100 + 12,
        };
        const documentJson = JSON.stringify({ ...document, ...own });
        const insert = { ...row, ...own, documentJson, responseJson, usage: null };
        return store.activations.append({ row: insert, logs: [], settles: null });
      }),
    );
  }
}

async function copyFunction(store: Store, copies: number): Promise<void> {
  const row = await store.entities.get(namespace, 'one-0');
  if (row === undefined) throw new Error('there is no function');
  const put = (at: number) =>
    store.entities.put({ ...row, path: `one-${at}`, updatedAt: row.updatedAt - at }, null);
  // More at once would wait too long for a connection to PostgreSQL.
  const atOnce = 200;
  for (let from = 1; from <= copies; from += atOnce)
    await Promise.all(Array.from({ length: Math.min(atOnce, copies - from + 1) }, (_, at) => put(from + at)));
}

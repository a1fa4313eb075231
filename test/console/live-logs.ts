/** Logs of runs that still write them: many lines. */
import { expect, test } from 'vitest';
import type { ConsoleBrowser } from '../browser.ts';
import type { Ward } from '../ward.ts';

interface Given {
  readonly ward: Ward;
  readonly browser: ConsoleBrowser;
}

const lines = 12_000;
/** Writes in turns, so that the lines come in many pieces. */
const chattyFunction = `async function main({ lines }) {
  for (let at = 1; at <= lines; at++) {
    console.log('line', at, 'of many');
    if (at % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return { wrote: lines };
}`;

export function liveLogs(given: () => Given): void {
  test('follows a run that writes thousands of lines, and keeps up', async () => {
    const { ward, browser } = given();
    const { page } = browser;
    await ward.deploy('chatty', chattyFunction);
    await page.goto('/console/functions/chatty');
    await page.getByLabel('Input, as a JSON object').fill(`{ "lines": ${lines} }`);
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    const log = page.getByRole('region', { name: 'Log' });
    await log
      .getByText(/^line \d+ of many$/)
      .first()
      .waitFor();
    await page.getByText(`"wrote": ${lines}`).waitFor();
    const last = log.getByText(`line ${lines} of many`);
    await expect.poll(() => last.isVisible()).toBe(true);
    await log.getByText('The last 500 of 10,000 lines.').waitFor();
    await log.getByText('2,000 earlier lines left out here.').waitFor();
    // The end is in view, and a search finds what is not shown.
    const below = () =>
      log.getByRole('list').evaluate((list) => list.scrollHeight - list.scrollTop - list.clientHeight);
    await expect.poll(below).toBeLessThan(8);
    await page.getByLabel('Search the log').fill('line 4321 of');
    await log.getByText('line 4321 of many').waitFor();
    await browser.inspect('a long live log');
    await page.getByRole('region', { name: 'Run it' }).getByRole('link').click();
    await log.getByText('The first 2,000 of 12,000 lines.').waitFor();
    expect((await ward.request('DELETE', '/api/v1/namespaces/_/actions/chatty')).status).toBe(200);
    expect(browser.problems).toEqual([]);
  });
}

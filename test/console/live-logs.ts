/** Logs of runs that still write them: many lines, and connections that break. */
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

  test('says that a function runs as long as it does', async () => {
    const { ward, browser } = given();
    const { page } = browser;
    await page.goto('/console/functions/follow');
    await page.getByLabel('Input, as a JSON object').fill('{ "say": "third", "waitMs": 50000 }');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByText('said third').waitFor();
    const trial = page.getByRole('region', { name: 'Run it' });
    expect(await trial.getByRole('status').textContent()).toMatch(/^running/);
    const id = await trial.getByRole('link').textContent();
    await ward.request('POST', '/ward/v1/namespaces/_/calls/cancel', { body: { activationIds: [id] } });
    await trial.getByText('"The activation was cancelled."').waitFor();
    expect(await trial.getByRole('status').textContent()).not.toMatch(/^running/);
    expect(browser.problems).toEqual([]);
  });

  test('shows each line once when the connection breaks', async () => {
    const { browser } = given();
    const { page } = browser;
    const line = (number: number) =>
      `id: ${number}\nevent: log\ndata: "2026-01-01T00:00:00.000Z stdout: line ${number}."\n\n`;
    const bodies = [line(1) + line(2), line(1) + line(2) + line(3)];
    const end = 'event: end\ndata: null\n\n';
    let asked = 0;
    const path = '**/activations/*/stream';
    await page.route(path, (route) => {
      const body = asked === 0 ? bodies[0] : `${bodies[1]}${end}`;
      asked += 1;
      return route.fulfill({ status: 200, contentType: 'text/event-stream', body: body ?? '' });
    });
    await page.goto('/console/functions/greet');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    const log = page.getByRole('region', { name: 'Log' });
    await log.getByText('line 3.').waitFor();
    expect(asked).toBe(2);
    expect(await log.locator('pre').allTextContents()).toEqual(['line 1.', 'line 2.', 'line 3.']);
    await page.unroute(path);
    expect(browser.problems).toEqual([]);
  });
}

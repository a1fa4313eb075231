/** The list of runs, one run, and running it again, with hostile output. */
import { expect, test } from 'vitest';
import type { ConsoleBrowser } from '../browser.ts';
import type { Ward } from '../ward.ts';
import { commandsOf } from './run-commands.ts';

export const markup = '<img src=x onerror=alert(1)><script>alert(2)</script>';
const hostileFunction = `function main() {
  console.log(${JSON.stringify(`log ${markup}`)}, '\\x1b[31m\\u202e');
  console.error(${JSON.stringify(`problem ${markup}`)});
  console.log('y'.repeat(12_345));
  return { error: ${JSON.stringify(`error ${markup}`)} };
}`;
const followedFunction = `async function main({ say, waitMs = 0 }) {
  console.log('said', say);
  await new Promise((resolve) => setTimeout(resolve, waitMs));
  return { done: 'ended' };
}`;

interface Given {
  readonly ward: Ward;
  readonly browser: ConsoleBrowser;
}

/** Leaves the functions `greet` and `hostile`, whose last run failed. */
export function runPages(given: () => Given): void {
  test('lists runs, live, and keeps the filters in the address', async () => {
    const { ward, browser } = given();
    const { page } = browser;
    await page.getByRole('link', { name: 'Runs' }).click();
    await page.getByText('No runs yet').waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
    await browser.inspect('runs, none');
    await ward.deploy('greet', "const main = ({ name }) => ({ greeting: 'Hello, ' + name })");
    await ward.deploy('hostile', hostileFunction);
    await ward.invoke('greet', { name: 'World' });
    // Without a reload.
    await page.getByRole('link', { name: 'greet' }).waitFor();
    await ward.invoke('hostile');
    await page.getByRole('link', { name: 'hostile' }).waitFor();
    // Nothing moves below the pointer, or with the focus in it.
    const rowOf = (name: string) => page.getByRole('row').filter({ hasText: name });
    const kept = rowOf('hostile');
    const place = await kept.boundingBox();
    await kept.hover();
    await ward.invoke('greet');
    await page.getByRole('button', { name: '1 new run', exact: true }).waitFor();
    expect(await kept.boundingBox()).toEqual(place);
    await page.mouse.move(0, 0);
    await expect.poll(() => rowOf('greet').count()).toBe(2);
    const link = kept.getByRole('link');
    await link.focus();
    for (let calls = 0; calls < 2; calls++) await ward.invoke('greet');
    const held = page.getByRole('button', { name: '2 new runs' });
    await held.waitFor();
    await browser.inspect('runs, held back');
    await held.click();
    await expect.poll(() => rowOf('greet').count()).toBe(4);
    await held.waitFor({ state: 'detached' });
    await page.mouse.move(0, 0);
    await page.getByLabel('Outcome').selectOption('failed');
    await page.getByText('1 run', { exact: true }).waitFor();
    expect(page.url()).toBe(`${ward.url}/console/runs?failed=true`);
    await page.reload();
    await page.getByRole('link', { name: 'hostile' }).waitFor();
    expect(await page.getByRole('link', { name: 'greet' }).count()).toBe(0);
    await browser.inspect('runs');
    await browser.fit('runs');
    const topOf = async (name: string) => (await page.getByRole('button', { name }).boundingBox())?.y;
    expect(await topOf('Clear')).toBe(await topOf('Filter'));
    // An identifier is never cut.
    const id = page.getByTitle('Copy the id of the run').first();
    const [whole, cell] = [await id.boundingBox(), await id.locator('..').boundingBox()];
    expect(whole?.width).toBeGreaterThan(200);
    expect(whole?.width).toBeLessThanOrEqual(cell?.width ?? 0);
    await page.getByLabel('Sandbox').selectOption('warm');
    await page.getByText('No run fits these filters').waitFor();
    expect(page.url()).toBe(`${ward.url}/console/runs?failed=true&start=warm`);
    await page.getByLabel('Function').fill('absent');
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.getByText('No run fits these filters').waitFor();
    await page.getByRole('button', { name: 'Clear' }).click();
    expect(page.url()).toBe(`${ward.url}/console/runs`);
    expect(browser.problems).toEqual([]);
  });

  test('shows a run, with what hostile code wrote as text', async () => {
    const { browser } = given();
    const { page } = browser;
    await page.getByRole('link', { name: 'hostile' }).click();
    const title = page.getByRole('heading', { name: 'hostile' });
    expect(await title.getByRole('link').getAttribute('href')).toBe('/console/functions/hostile');
    const its = page.getByRole('link', { name: 'Its runs' });
    expect(await its.getAttribute('href')).toBe('/console/runs?name=hostile');
    await page.getByText('application error').waitFor();
    for (const text of [`error ${markup}`, `log ${markup}`, `problem ${markup}`])
      await page.getByText(text).first().waitFor();
    await page.getByText('… and 2,345 more characters').waitFor();
    expect(await page.locator('main img, main script').count()).toBe(0);
    await browser.inspect('run');
    await page.getByLabel('Search the log').fill('problem');
    expect(
      await page
        .getByRole('listitem')
        .filter({ hasText: `log ${markup}` })
        .count(),
    ).toBe(0);
    const id = page.url().split('/').at(-1);
    const [fetchWard, fetchCurl] = await commandsOf(page, 'Fetch the record');
    expect(fetchWard).toBe(`ward activation get ${id}`);
    expect(fetchCurl).toContain(`/api/v1/namespaces/_/activations/${id}"`);
    const [callWard] = await commandsOf(page, 'Call it again');
    expect(callWard).toBe('ward action invoke hostile --result');
    await page.getByText('Ward kept no input.').waitFor();
    expect(browser.problems).toEqual([]);
  });

  test('runs a function again with another input, and follows it', async () => {
    const { ward, browser } = given();
    const { page } = browser;
    await ward.request('PUT', '/api/v1/namespaces/_/actions/follow', {
      body: {
        exec: { kind: 'nodejs:24', code: followedFunction },
        annotations: [{ key: 'capture-input', value: true }],
        limits: { instances: 1 },
      },
    });
    const { body } = await ward.invoke('follow', { say: 'first' });
    await page.keyboard.press('Control+k');
    await page.keyboard.type(body.activationId);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Run again…' }).click();
    const input = page.getByLabel('Input, as a JSON object');
    await expect.poll(() => input.inputValue()).toContain('"first"');
    await browser.inspect('replay');
    await input.fill('{ "say": "second", "waitMs": 50000 }');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    // Its log, while it runs.
    await page.getByText('said second').waitFor();
    await page.getByText('It has not ended.').waitFor();
    await page.getByRole('button', { name: 'Cancel…' }).click();
    await page.getByRole('button', { name: 'Cancel the run' }).click();
    await page.getByText('"The activation was cancelled."').waitFor();
    await page.getByText('The log may be partial').waitFor();

    // Nothing of this run is shown as another one.
    await page.keyboard.press('Control+k');
    await page.keyboard.type('0'.repeat(32));
    await page.keyboard.press('Enter');
    await page.getByText('The requested resource does not exist.').waitFor();
    browser.forget(/status of 404/);
    expect(await page.getByRole('heading', { name: 'follow' }).count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Run again…' }).count()).toBe(0);
    expect(browser.problems).toEqual([]);
  });

  test('cancels all calls that fit the filters, and counts them before', async () => {
    const { ward, browser } = given();
    const { page } = browser;
    const start = (name: string) =>
      ward.request('POST', `/api/v1/namespaces/_/actions/${name}`, { body: { waitMs: 50_000 } });
    expect((await start('follow')).status).toBe(202);
    const waiting = (await start('follow')).body.activationId;
    await page.goto('/console/overview');
    await page.locator('dt:text-is("Calls that wait") + dd').getByRole('link').click();
    const queue = page.getByRole('region', { name: 'Accepted calls' }).getByRole('row');
    const counts = queue.filter({ hasText: 'guest' }).locator('td.number');
    await counts.nth(2).waitFor();
    const [wait, , run] = await counts.allTextContents();
    expect(Number(wait) + Number(run)).toBe(2);
    await page.goto('/console/runs?name=greet');
    await page.getByRole('button', { name: 'Cancel calls…' }).click();
    await page.getByText('No call of greet is under way.').waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
    // No call that has not ended fits.
    await page.goto('/console/runs?name=follow&failed=true');
    await page.getByRole('button', { name: 'Run all again…' }).waitFor();
    expect(await page.getByRole('button', { name: 'Cancel calls…' }).count()).toBe(0);
    await page.goto('/console/runs?name=follow');
    await page.getByRole('button', { name: 'Cancel calls…' }).click();
    await page.getByText('2 calls run or wait.').waitFor();
    await browser.inspect('cancel');
    await page.getByRole('button', { name: 'Cancel 2 calls' }).click();
    await page.getByText('Cancelled 2 calls of follow.').waitFor();
    // The list does not grow below the pointer, which pressed the button.
    await page.mouse.move(0, 0);
    // One that was followed to its end, and three that were cancelled.
    await page.getByText('4 runs', { exact: true }).waitFor();
    await page.goto(`/console/runs/${waiting}`);
    await page
      .getByText('It waited: the action had as many sandboxes as its limit of instances allows.')
      .waitFor();
    expect(browser.problems).toEqual([]);
  });

  test('sums up the last hour, with the list behind each figure', async () => {
    const { browser } = given();
    const { page } = browser;
    await page.getByRole('link', { name: 'Ward', exact: true }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.getByText('a second').waitFor();
    // Of all of this Ward, for the operator.
    await page.getByText('Memory promised').waitFor();
    await page.getByText('by sandboxes', { exact: true }).waitFor();
    await browser.inspect('overview');
    const figure = (name: string) => page.locator(`dt:text-is("${name}") + dd`).getByRole('link');
    expect(await figure('Cold starts').getAttribute('href')).toBe('/console/runs?since=hour&start=cold');
    for (const name of ['Code', 'Records'])
      expect(await figure(name).getAttribute('href')).toBe('/console/usage');
    const kept = await figure('Runs kept').textContent();
    await figure('Runs kept').click();
    await page.getByText(`${kept} runs`, { exact: true }).waitFor();
    await page.goBack();
    await figure('Duration, p50').click();
    await page.getByRole('heading', { name: 'Runs', exact: true }).waitFor();
    expect(await page.getByLabel('What').locator('option:checked').textContent()).toBe('Only calls');
    expect(new URL(page.url()).search).toBe('?since=hour&calls=true');
    await page.goBack();
    await figure('Duration, p99').click();
    await page.getByText('that took at least').waitFor();
    await page.getByRole('row').nth(1).getByRole('link').waitFor();
    await page.goBack();
    await page.locator('dt:text-is("Failed") + dd').getByRole('link', { name: '4', exact: true }).click();
    await page.getByRole('link', { name: 'hostile' }).waitFor();
    expect(page.url()).toContain('/console/runs?since=hour&failed=true');
    expect(browser.problems).toEqual([]);
  });

  test('groups failures by their error, and runs all of one again', async () => {
    const { ward, browser } = given();
    const { page } = browser;
    const code = `const main = ({ order }) => ({ error: 'order ' + order + ' is lost ${markup}' })`;
    await ward.request('PUT', '/api/v1/namespaces/_/actions/lose', {
      body: { exec: { kind: 'nodejs:24', code }, annotations: [{ key: 'capture-input', value: true }] },
    });
    for (const order of [17, 18]) await ward.invoke('lose', { order });
    const read = async () =>
      (await ward.request('GET', '/ward/v1/namespaces/_/activations/errors?name=lose')).body;
    await expect.poll(async () => (await read()).groups).toMatchObject([{ count: 2 }]);
    await page.goto('/console/runs?name=lose&since=hour');
    await page.getByRole('link', { name: 'By error' }).click();
    await page.getByRole('cell', { name: `order 18 is lost ${markup}` }).waitFor();
    expect(page.url()).toBe(`${ward.url}/console/errors?name=lose&since=hour`);
    await browser.inspect('errors');
    await page.getByRole('link', { name: '2', exact: true }).click();
    await page.getByText('2 runs', { exact: true }).waitFor();
    expect(page.url()).toContain('/console/runs?name=lose&since=hour&fingerprint=');
    await browser.inspect('runs of an error');
    await page.goto(`/console/runs?fingerprint=${encodeURIComponent(markup)}`);
    await page.getByText('it is not one of a group of errors').first().waitFor();
    expect(await page.locator('main img, main script').count()).toBe(0);
    browser.forget(/status of 400/);
    await page.goto('/console/errors?name=lose&since=hour');
    await page.getByRole('button', { name: 'Run again…' }).click();
    await page.getByText('the whole input of 2 of the last 2').waitFor();
    // The second call fails once; the first must not start again.
    let calls = 0;
    const path = '**/namespaces/_/actions/lose*';
    await page.route(path, (route) =>
      route.request().method() === 'POST' && ++calls === 2
        ? route.fulfill({ status: 503, json: { error: 'not now' } })
        : route.continue(),
    );
    await page.getByRole('button', { name: 'Start 2 calls' }).click();
    await page.getByText('not now').waitFor();
    await page.getByRole('button', { name: 'Start 1 call', exact: true }).click();
    await page.getByText('Started 2 calls of lose.').waitFor();
    expect(calls).toBe(3);
    await page.unroute(path);
    browser.forget(/status of 503/);
    await expect.poll(async () => (await read()).groups).toMatchObject([{ count: 4 }]);
    expect(browser.problems).toEqual([]);
  });

  test('never calls a function with a part of an input', async () => {
    const { ward, browser } = given();
    const { page } = browser;
    const secret = { order: 19, token: 'x' };
    const inputs = [{ order: 20, text: 'x'.repeat(70_000) }, secret, { order: 21 }];
    for (const input of inputs) await ward.invoke('lose', input);
    await page.goto('/console/errors?name=lose&since=hour');
    await page.getByRole('button', { name: 'Run again…' }).click();
    // With the four of the test before.
    await page.getByText('the whole input of 5 of the last 7').waitFor();
    const leftOut = page.getByText('Left out:');
    expect(await leftOut.textContent()).toMatch(
      /1 that had values .* secrets.*; 1 that had more than 64 KiB/,
    );
    await browser.inspect('replay of all but two');
    await page.getByRole('button', { name: 'Start 5 calls' }).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    const runs = (await ward.request('GET', '/api/v1/namespaces/_/activations?name=lose&limit=3')).body;
    const input = page.getByLabel('Input, as a JSON object');
    const open = async (at: number) => {
      await page.goto(`/console/runs/${runs[at].activationId}`);
      await page.getByRole('button', { name: 'Run again…' }).click();
    };
    await open(1);
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Missing: token').waitFor();
    expect(JSON.parse(await input.inputValue())).toEqual({ order: 19 });
    await browser.inspect('replay without a secret');
    await open(2);
    await dialog.getByText('The input of this run is missing: it had 70022 characters').waitFor();
    expect(await input.inputValue()).toBe('{}');
    expect(browser.problems).toEqual([]);
  });

  test('says why Ward refuses to keep a page live, and tries again by itself', async () => {
    const { browser } = given();
    const { page } = browser;
    const path = '**/activations/stream';
    await page.route(path, (route) =>
      route.fulfill({
        ...{ status: 429, headers: { 'x-ward-fault': 'STREAMS_EXCEEDED', 'retry-after': '1' } },
        json: { error: 'The namespace has 100 event streams open.', hint: 'Close some.' },
      }),
    );
    await page.goto('/console/runs');
    const note = page.getByRole('region', { name: 'Not live' });
    for (const text of ['has 100 event streams open', 'Close some.', 'STREAMS_EXCEEDED', 'by itself'])
      await note.getByText(text).waitFor();
    await page.getByText('Not live for now').waitFor();
    expect(await page.getByText('Connection lost').count()).toBe(0);
    await browser.inspect('runs, not live');
    // A narrow screen says so, too, and has the namespace in its menu.
    await page.setViewportSize({ width: 320, height: 900 });
    const bar = page.getByRole('banner');
    expect(await bar.getByText('Not live for now').isVisible()).toBe(true);
    await page.getByRole('button', { name: 'Menu' }).click();
    const menu = page.getByRole('navigation', { name: 'Pages' });
    await menu.getByText('guest').waitFor();
    await menu.getByText('Not live for now').waitFor();
    await page.getByRole('button', { name: 'Menu' }).click();
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.unroute(path);
    await page.getByText('Live', { exact: true }).waitFor();
    await note.waitFor({ state: 'detached' });
    browser.forget(/status of 429/);
    expect(browser.problems).toEqual([]);
  });

  test('shows the parts of a sequence, and leads to each', async () => {
    const { ward, browser } = given();
    const { page } = browser;
    const exec = { kind: 'sequence', components: ['/_/greet', '/_/hostile'] };
    await ward.request('PUT', '/api/v1/namespaces/_/actions/both', { body: { exec } });
    const { body } = await ward.invoke('both', { name: 'World' });
    await page.goto(`/console/runs/${body.activationId}`);
    const parts = page.getByRole('region', { name: 'Parts' });
    await parts.getByText('application error').waitFor();
    expect(await parts.getByRole('row').count()).toBe(3);
    await browser.inspect('run of a sequence');
    await parts.getByRole('link', { name: 'greet' }).click();
    await page.getByText('Part of').waitFor();
    expect(await page.getByRole('link', { name: body.activationId }).count()).toBe(1);
    await ward.request('DELETE', '/api/v1/namespaces/_/actions/both');
    expect(browser.problems).toEqual([]);
  });

  test('finds lines in the logs of all runs, with what hostile code wrote as text', async () => {
    const { ward, browser } = given();
    const { page } = browser;
    await page.goto('/console/runs?since=hour');
    await page.getByRole('link', { name: 'Search logs' }).click();
    await page.getByText('Search for a part of a line').waitFor();
    await page.getByLabel('Text').fill(`log ${markup}`);
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    await page
      .getByRole('cell', { name: `log ${markup}` })
      .first()
      .waitFor();
    expect(new URL(page.url()).searchParams.get('text')).toBe(`log ${markup}`);
    await page.getByText('There are no older runs.').waitFor();
    expect(await page.getByRole('cell', { name: 'problem' }).count()).toBe(0);
    expect(await page.locator('main img, main script').count()).toBe(0);
    await browser.inspect('logs');
    await page.getByRole('cell', { name: 'hostile' }).first().getByRole('link').click();
    expect(page.url()).toBe(`${ward.url}/console/functions/hostile`);
    await page.goBack();
    await page.getByLabel('Function', { exact: true }).fill('greet');
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    await page.getByText('No line here. There are no older runs.').waitFor();
    expect(browser.problems).toEqual([]);
  });
}

/** The pages of triggers and dead letters. */
import type { Request } from 'playwright-core';
import { expect, test } from 'vitest';
import { isJsonObject, randomHex } from '../../src/lib/index.ts';
import type { ConsoleBrowser } from '../browser.ts';
import { openStateOf } from '../engine-switch.ts';
import type { Ward } from '../ward.ts';
import { foreignText, longName, oddName, script } from './hostile.ts';

interface Parts {
  readonly ward: Ward;
  readonly browser: ConsoleBrowser;
}

const recordsStream = '/ward/v1/namespaces/_/activations/stream';
const feeds = '/ward/v1/namespaces/_/feeds';

/** @param parts a browser with a session of a key */
export function triggerPages(parts: () => Parts): void {
  let tries = 0;
  test('shows what fires triggers, fires one, and replays what failed', async () => {
    const { ward, browser } = parts();
    const { page } = browser;
    // The list of runs still has the firings of an earlier try. In a picture, all numbers are the same.
    const fired = oddName.replace('10', String(10 + tries++));
    await clear(ward);
    await page.goto('/console/triggers');
    await page.getByText('No triggers yet').waitFor();
    await seedTriggers(ward, fired);
    await page.reload();
    await page.getByRole('link', { name: 'nightly' }).waitFor();
    await page.getByRole('cell', { name: '30 2 * * * Europe/Berlin' }).waitFor();
    await page.getByRole('row').filter({ hasText: 'nightly' }).getByText('given up at').waitFor();
    await browser.inspect('triggers');
    await page.getByRole('link', { name: 'nightly' }).click();
    await page.locator('dt:text-is("Next") + dd time').nth(4).waitFor();
    await page.locator('dt:text-is("Last missed") + dd').getByText('given up at').waitFor();
    await browser.inspect('trigger of an alarm');
    await page.goBack();

    await page.getByRole('link', { name: fired }).click();
    await page.getByRole('heading', { name: fired }).waitFor();
    await page.getByRole('button', { name: 'Fire…' }).click();
    await page.getByLabel('Payload, a JSON object').fill('[1]');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('The payload must be a JSON object').waitFor();
    await page
      .getByLabel('Payload, a JSON object')
      .fill(JSON.stringify({ text: `${script} ${foreignText}` }));
    await page.getByRole('button', { name: 'Fire', exact: true }).click();
    await page.getByText('called').waitFor();
    await lookAtFiring(page, fired);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Go on' }).waitFor();
    await page.getByRole('button', { name: `Disable ${longName}` }).click();
    await page.getByRole('button', { name: `Enable ${longName}` }).waitFor();
    const { feed } = await refusedOnce(ward, fired);
    await page.reload();
    await page.getByText('409, the webhook was paused').waitFor();
    expect(await page.content()).not.toContain('/webhooks/');
    await page.getByRole('button', { name: 'Show', exact: true }).click();
    await page.getByText(feed.webhook.url).waitFor();
    await browser.inspect('trigger');

    await ward.until(async () => {
      const { body } = await ward.request('GET', '/ward/v1/namespaces/_/dead-letters?count=true');
      return body['dead-letters'] === 1;
    });
    await page.getByRole('link', { name: 'look' }).click();
    await page.getByText(script).waitFor();
    await browser.inspect('dead letters');
    await page.getByRole('button', { name: 'Replay 1 dead letter…' }).click();
    await page.getByRole('button', { name: 'Replay 1 dead letter', exact: true }).click();
    await page.getByText('Replayed 1 dead letter.').waitFor();
    await ward.until(async () => {
      const { body } = await ward.request('GET', '/ward/v1/namespaces/_/dead-letters?count=true');
      return body['dead-letters'] === 1;
    });
    await page.goto('/console/dead-letters');
    await page.getByRole('button', { name: 'Delete 1 dead letter…' }).click();
    const removeAll = page.getByRole('button', { name: 'Delete 1 dead letter', exact: true });
    expect(await removeAll.isDisabled()).toBe(true);
    await page.getByLabel('Type guest to confirm').fill('guest');
    expect(await removeAll.isDisabled()).toBe(false);
    await page.getByRole('button', { name: 'Cancel' }).click();
    // One alone asks, too.
    await page.getByRole('button', { name: /^Delete the letter ./ }).click();
    await page.getByText('Its payload is lost.').waitFor();
    const removeOne = page.getByRole('button', { name: 'Delete the letter', exact: true });
    expect(await removeOne.isDisabled()).toBe(true);
    await page.getByLabel(`Type ${longName} to confirm`).fill(longName);
    await removeOne.click();
    await page.getByText('No dead letters').waitFor();

    await page.goto(`/console/triggers/nightly`);
    await page.getByRole('button', { name: 'Delete…' }).click();
    const remove = page.getByRole('button', { name: 'Delete the trigger' });
    expect(await remove.isDisabled()).toBe(true);
    await page.getByLabel('Type nightly to confirm').fill('nightly');
    await remove.click();
    await page.getByText('Deleted nightly.').waitFor();
    expect((await ward.request('GET', '/api/v1/namespaces/_/triggers/nightly')).status).toBe(404);
    expect(browser.problems).toEqual([]);
  });

  test('shows a firing from elsewhere by itself, and moves nothing below the pointer', async () => {
    const { ward, browser } = parts();
    const { page } = browser;
    const api = '/api/v1/namespaces/_';
    await clear(ward);
    expect((await ward.request('PUT', `${api}/triggers/live`, { body: {} })).status).toBe(200);
    const rule = { trigger: '/_/live', action: '/_/greet' };
    expect((await ward.request('PUT', `${api}/rules/lives`, { body: rule })).status).toBe(200);
    const fire = async () => {
      expect((await ward.request('POST', `${api}/triggers/live`, { body: {} })).status).toBe(202);
    };
    await page.goto('/console/triggers/live');
    await page.getByText('It has not fired').waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
    await fire();
    const firings = page.getByRole('region', { name: 'Last firings' }).locator('tbody tr');
    await expect.poll(() => firings.count()).toBe(1);
    await firings.first().hover();
    const isHeard = page.waitForResponse((each) => each.url().includes('/feeds'));
    await fire();
    await isHeard;
    expect(await firings.count()).toBe(1);
    await page.mouse.move(0, 0);
    await expect.poll(() => firings.count()).toBe(2);
    await clear(ward);
    expect(browser.problems).toEqual([]);
  });

  test('shows in the list what a firing changes, and changes nothing below the pointer', async () => {
    const { ward, browser } = parts();
    const { page } = browser;
    const api = '/api/v1/namespaces/_';
    await clear(ward);
    for (const name of ['live', 'nightly'])
      expect((await ward.request('PUT', `${api}/triggers/${name}`, { body: {} })).status).toBe(200);
    const rule = { trigger: '/_/live', action: '/_/greet' };
    expect((await ward.request('PUT', `${api}/rules/lives`, { body: rule })).status).toBe(200);
    const tellAlarm = async (lifecycleEvent: string, more: object = {}) => {
      const body = { lifecycleEvent, triggerName: '/_/nightly', ...more };
      const url = '/api/v1/namespaces/whisk.system/actions/alarms/alarm?blocking=true';
      expect((await ward.request('POST', url, { body })).status).toBe(200);
    };
    const fire = async () => {
      expect((await ward.request('POST', `${api}/triggers/live`, { body: {} })).status).toBe(202);
    };
    await tellAlarm('CREATE', { cron: '30 2 * * *' });
    await page.goto('/console/triggers');
    const row = page.getByRole('row').filter({ hasText: 'nightly' });
    await row.getByText('active').waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
    await tellAlarm('PAUSE');
    await fire();
    await row.getByText('paused').waitFor();
    await row.hover();
    await tellAlarm('UNPAUSE');
    const asked: string[] = [];
    const ask = (request: Request) => asked.push(new URL(request.url()).pathname);
    page.on('request', ask);
    await page.evaluate(`window.heard = new Promise((resolve) => {
      new BroadcastChannel('ward-stream ${recordsStream}').onmessage = ({ data }) => {
        if (data.is === 'event' && data.event[0] === 'total') resolve();
      };
    }); undefined`);
    await fire();
    await page.evaluate('window.heard');
    // Comes after what the page would have asked for.
    await page.evaluate(
      `fetch('${feeds}', { headers: { 'x-ward-console': '1' } }).then((each) => each.text())`,
    );
    expect(asked.filter((each) => each === feeds)).toHaveLength(1);
    page.off('request', ask);
    expect(await row.getByText('paused').count()).toBe(1);
    await page.mouse.move(0, 0);
    await row.getByText('active').waitFor();
    await clear(ward);
    expect(browser.problems).toEqual([]);
  });
}

/** In the list of runs and on a page of its own, a firing has ended; then goes back to the trigger. */
async function lookAtFiring(page: ConsoleBrowser['page'], fired: string): Promise<void> {
  const trigger = page.url();
  await page.goto('/console/runs');
  const row = page.getByRole('row').filter({ hasText: fired });
  await row.getByText('success').waitFor();
  await row.getByRole('link', { name: fired }).click();
  await page.getByRole('heading', { name: 'Result' }).waitFor();
  await page.locator('dt:text-is("Outcome") + dd').getByText('success').waitFor();
  expect(await page.getByRole('button', { name: /^(?:Cancel|Run again)…$/ }).count()).toBe(0);
  await page.getByRole('heading', { name: fired }).getByRole('link').click();
  await page.getByRole('button', { name: 'Fire…' }).waitFor();
  expect(page.url()).toBe(trigger);
}

/** Sends a request to the webhook, which is paused. */
async function refusedOnce(ward: Ward, trigger: string) {
  const path = `${feeds}/${encodeURIComponent(trigger)}`;
  const { body: feed } = await ward.request('GET', path);
  expect((await fetch(feed.webhook.url, { method: 'POST' })).status).toBe(409);
  await ward.until(async () => (await ward.request('GET', path)).body.webhook.refused?.count === 1);
  return { feed };
}

/** As an alarm is whose last date passed while Ward did not run. */
async function missDate(ward: Ward, trigger: string): Promise<void> {
  await using store = await openStateOf(ward.dataDir);
  const row = await store.feeds.get('guest', trigger);
  const state = row?.document['state'];
  if (row === undefined || !isJsonObject(state)) throw new Error(`no alarm fires ${trigger}`);
  const missed = { date: Date.now() - 7_200_000, at: Date.now(), isMadeUp: false };
  const document = { ...row.document, state: { ...state, missed } };
  expect(await store.feeds.put({ ...row, revision: randomHex(16), document }, row.revision)).toBe(true);
}

/** Deletes what an earlier try has left. */
async function clear(ward: Ward): Promise<void> {
  const lists = [
    ['/api/v1/namespaces/_/rules', 'name'],
    ['/api/v1/namespaces/_/triggers', 'name'],
    ['/ward/v1/namespaces/_/dead-letters', 'id'],
  ] as const;
  for (const [list, key] of lists)
    for (const each of (await ward.request('GET', `${list}?limit=200`)).body) {
      const { status } = await ward.request('DELETE', `${list}/${encodeURIComponent(each[key])}`);
      expect(status).toBeLessThan(300);
    }
}

/**
 * What the pages show.
 * @param fired the name of the trigger that the test fires
 */
async function seedTriggers(ward: Ward, fired: string): Promise<void> {
  const put = async (path: string, body: object = {}) => {
    const url = `/api/v1/namespaces/_/${path.split('/').map(encodeURIComponent).join('/')}`;
    expect(await ward.request('PUT', url, { body })).toMatchObject({ status: 200 });
  };
  const feed = async (name: string, trigger: string, body: object) => {
    const url = `/api/v1/namespaces/whisk.system/actions/${name}?blocking=true`;
    const answer = await ward.request('POST', url, {
      body: { lifecycleEvent: 'CREATE', triggerName: `/_/${trigger}`, ...body },
    });
    expect(answer.status).toBe(200);
  };
  await ward.deploy('fails', 'function main({ text }) { throw new Error(text) }');
  await Promise.all(['nightly', 'by-hand', fired].map((name) => put(`triggers/${name}`)));
  await put(`triggers/${'t'.repeat(250)}`, { annotations: [{ key: 'feed', value: `/guest/${longName}` }] });
  await feed('alarms/alarm', 'nightly', { cron: '30 2 * * *', timezone: 'Europe/Berlin' });
  await missDate(ward, 'nightly');
  await feed('webhooks/webhook', fired, { secret: 'a secret of some length' });
  const retry = { attempts: 1, backoffMs: 100 };
  const rule = {
    trigger: `/_/${fired}`,
    action: '/_/fails',
    annotations: [{ key: 'retry', value: retry }],
  };
  await put(`rules/${longName}`, rule);
}

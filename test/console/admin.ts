/** The pages of those who run Ward: namespaces and their keys, usage, nodes, the audit log. */
import { createHash, randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import type { DiskUse } from '../../src/answers/index.ts';
import type { TestProvider } from '../../src/oidc/provider.fixture.ts';
import type { ConsoleBrowser } from '../browser.ts';
import { openStateOf } from '../engine-switch.ts';
import { onlyOneMachine } from '../one-machine.ts';
import { imagesDir, type Ward } from '../ward.ts';
import { changeAnswer } from './changed-answer.ts';
import { foreignText, longName, script } from './hostile.ts';
import { pipeline } from './issuer-login.ts';

interface Parts {
  readonly ward: Ward;
  readonly browser: ConsoleBrowser;
  readonly provider: TestProvider;
}

/** @param parts a browser with the sessions of a key and of an operator */
export function adminPages(parts: () => Parts): void {
  test('makes a namespace and a key that works, and deletes both', async () => {
    const { ward, browser } = parts();
    const { page } = browser;
    await page.goto('/console/namespaces');
    await page.getByRole('button', { name: 'New namespace…' }).click();
    const name = page.getByLabel('Name', { exact: true });
    await name.fill('../etc');
    await dragOut(page, name);
    expect(await name.inputValue()).toBe('../etc');
    await page.mouse.click(beside.x, beside.y);
    await name.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'New namespace…' }).click();
    await name.fill('../etc');
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByRole('alert').getByText('NAME_INVALID').waitFor();
    await name.fill(longName);
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByText('shown only now').waitFor();
    await tryToClose(page);
    const first = (await page.getByRole('dialog').locator('pre').textContent()) ?? '';
    expect((await ward.request('GET', '/api/v1/namespaces', { auth: first })).body).toEqual([longName]);
    await page.getByRole('button', { name: 'I have copied it' }).click();
    await page.getByRole('link', { name: longName }).click();

    await page.getByLabel('Calls a minute').fill('7');
    await page.getByLabel('Keep records, days').fill('3');
    await page.getByRole('button', { name: 'Save the limits' }).click();
    await page.getByText('Changed the limits.').waitFor();
    const { body } = await ward.request('GET', '/api/v1/namespaces/_/limits', { auth: first });
    expect(body).toMatchObject({ invocationsPerMinute: 7 });
    const daysOf = async (options: object) => {
      const { kept } = (await ward.request('GET', '/ward/v1/retention', options)).body;
      return kept.find(({ what }: { what: string }) => what === 'logs').days;
    };
    expect(await daysOf({ auth: first })).toBe(3);
    expect(await daysOf({})).toBe(7);
    expect(await page.getByLabel('Keep records, number').getAttribute('placeholder')).toBe('1000000');

    await page.getByRole('button', { name: 'New key…' }).click();
    await page.getByLabel('What it is for').fill(`${script} ${foreignText}`);
    await page.getByRole('button', { name: 'Make the key' }).click();
    await page.getByText('shown only now').waitFor();
    const key = (await page.getByRole('dialog').locator('pre').textContent()) ?? '';
    expect((await ward.request('GET', '/api/v1/namespaces/_/actions', { auth: key })).status).toBe(200);
    const refused = await ward.request('PUT', '/api/v1/namespaces/_/packages/p', { auth: key, body: {} });
    expect(refused.status).toBe(403);
    await page.getByRole('button', { name: 'I have copied it' }).click();
    await page.getByRole('cell', { name: script }).waitFor();
    const { name: member, works: isIn } = await logIn(ward, longName);
    expect(await isIn()).toBe(true);
    await page.reload();
    await page.getByRole('region', { name: 'Members' }).getByText(member).waitFor();
    expect(await page.locator('main img').count()).toBe(0);
    await browser.inspect('namespace');
    await page.getByRole('button', { name: `Log out ${member}` }).click();
    await browser.inspect('namespace, logging a member out');
    await page.getByRole('button', { name: 'End the logins' }).click();
    await page.getByText(`Logged ${member} out.`).waitFor();
    await expect.poll(isIn).toBe(false);
    const deleting = page.getByRole('button', { name: 'Delete the key' });
    await expect.poll(() => deleting.count()).toBe(1);
    await deleting.click();
    await page.getByLabel(`Type ${longName} to confirm`).fill(longName);
    await page.getByRole('button', { name: 'Delete the key', exact: true }).click();
    await page.getByText('Deleted the key.').waitFor();
    expect((await ward.request('GET', '/api/v1/namespaces', { auth: key })).status).toBe(401);

    await page.getByRole('link', { name: 'Its changes' }).click();
    await page.getByRole('cell', { name: 'create-namespace' }).waitFor();
    await page.getByRole('cell', { name: 'operator by console' }).first().waitFor();
    await browser.inspect('audit');
    const table = page.getByRole('region', { name: 'Audit log' });
    await page.getByLabel('When').selectOption('hour');
    expect(page.url()).toBe(`${ward.url}/console/audit?namespace=${longName}&since=hour`);
    await table.getByText('create-namespace').waitFor();
    // In 2100.
    await page.goto(`/console/audit?namespace=${longName}&since=4118083200000`);
    await page.getByText('No entry fits.').waitFor();
    await page.reload();
    await page.getByText('No entry fits.').waitFor();
    expect(await page.getByLabel('When').locator('option:checked').textContent()).toMatch(/^Since .*2100/);
    await page.getByLabel('When').selectOption('Any time');
    await table.getByText('create-namespace').waitFor();
    // What is no time is no filter.
    await page.goto(`/console/audit?namespace=${longName}&since=${encodeURIComponent(script)}`);
    await table.getByText('create-namespace').waitFor();
    // The refused name.
    browser.forget(/^console: .* status of 400 /);
    expect(browser.problems).toEqual([]);
  });

  test('lets an admin of the namespace make a key, and log a member out', async () => {
    const { ward, browser, provider } = parts();
    const { page } = browser;
    const exchanged = await fetch(`${ward.url}/ward/v1/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        subject_token: await provider.token(pipeline),
      }),
    });
    const { access_token: ofRobot } = Object(await exchanged.json());
    const statusOf = async (auth: string) =>
      (await ward.request('GET', '/api/v1/namespaces/_/actions', { auth })).status;
    expect(await statusOf(ofRobot)).toBe(200);
    await page.goto('/console/access');
    await page.getByRole('button', { name: 'New key…' }).click();
    await page.getByLabel('What it is for').fill(`${script} ${foreignText}`);
    await page.getByRole('button', { name: 'Make the key' }).click();
    await page.getByText('shown only now').waitFor();
    await tryToClose(page);
    const key = (await page.getByRole('dialog').locator('pre').textContent()) ?? '';
    expect(await statusOf(key)).toBe(200);
    await page.getByRole('button', { name: 'I have copied it' }).click();
    const row = page.getByRole('row').filter({ hasText: script });
    await row.getByText(`guest ${ward.auth.split(':')[0]}`).waitFor();
    await browser.inspect('keys and members');
    await row.getByRole('button').last().click();
    await page.getByLabel('Type guest to confirm').fill('guest');
    await page.getByRole('button', { name: 'Delete the key', exact: true }).click();
    await page.getByText('Deleted the key.').waitFor();
    const name = `robot of ${provider.issuer}`;
    await page.getByRole('button', { name: `Log out ${name}` }).click();
    await page.getByRole('button', { name: 'End the logins' }).click();
    await page.getByText(`Logged ${name} out.`).waitFor();
    for (const gone of [key, ofRobot]) expect(await statusOf(gone)).toBe(401);
    expect(browser.problems).toEqual([]);
  });

  test('shows a key what its namespace holds, live', async () => {
    const { ward, browser } = parts();
    const context = await browser.context.browser()?.newContext({ baseURL: ward.url });
    if (context === undefined) throw new Error('the browser has ended');
    try {
      const page = await context.newPage();
      await page.goto('/console/usage');
      await page.getByLabel('Key of your namespace').fill(ward.auth);
      await page.getByRole('button', { name: 'Log in', exact: true }).click();
      await page.getByText('Live', { exact: true }).waitFor();
      const kept = page.locator('dt:text-is("Runs kept") + dd');
      const count = async () => Number((await kept.textContent())?.replaceAll(',', ''));
      const before = await count();
      expect(before).toBeGreaterThan(0);
      await ward.invoke('greet', { name: 'World' });
      await expect.poll(count).toBeGreaterThan(before);
    } finally {
      await context.close();
    }
  });

  test('shows quotas and nodes, and deletes a namespace by its name', async () => {
    const { browser } = parts();
    const { page } = browser;
    await page.goto('/console/usage');
    await page.getByRole('link', { name: longName }).first().waitFor();
    await page.getByText('Your namespace').waitFor();
    const disk = page.getByRole('region', { name: 'Disk of this Ward' });
    await disk.getByText('Room held for a full disk').waitFor();
    await disk.getByText(join(imagesDir, 'blobs')).waitFor();
    const kept = page.getByRole('region', { name: 'How long it is kept' });
    for (const what of ['Captured inputs', 'Dead letters', 'Earlier code', 'Pushed images'])
      await kept.getByText(what).waitFor();
    const entries = kept.getByRole('row').filter({ hasText: 'Entries of the audit log' });
    await entries.getByText('400 days').waitFor();
    await entries.getByText('audit.keepEntries').waitFor();
    const own = page.getByRole('region', { name: 'Namespaces with rules of their own' });
    await own.getByRole('row').filter({ hasText: longName }).getByText('3 days').waitFor();
    await browser.inspect('usage, of this machine');
    await changeAnswer(page, /\/operator\/disk$/, sameOnAll);
    await disk.getByText('/var/lib/ward/reserve').waitFor();
    await own.getByRole('row').filter({ hasText: longName }).waitFor();
    await browser.inspect('usage');
    await page.unrouteAll();
    const saved = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download as CSV' }).click();
    const text = await readFile(await (await saved).path(), 'utf8');
    expect(text).toMatch(/^namespace,code bytes,.*\r\n/);
    expect(text).toContain(`\r\n${longName},0,`);
    const savedDays = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download days as CSV' }).click();
    const days = await readFile(await (await savedDays).path(), 'utf8');
    expect(days).toMatch(/^day,namespace,.*\r\n(?:.*\r\n)*\d{4}-\d\d-\d\d,guest,/);
    await page.getByRole('region', { name: 'Usage by day' }).getByText('guest').first().waitFor();
    await page.goto('/console/nodes');
    await page.getByText('ready').first().waitFor();
    await browser.inspect('nodes');

    await page.goto(`/console/namespaces/${longName}`);
    await page.getByRole('button', { name: 'Delete…' }).click();
    await page.getByLabel(`Type ${longName} to confirm`).fill(longName);
    await page.getByRole('button', { name: 'Delete the namespace' }).click();
    await page.getByText(`Deleted ${longName}.`).waitFor();
    expect(browser.problems).toEqual([]);
  });

  test('shows the last backup, and the tables of the database', async () => {
    onlyOneMachine('a cluster is backed up with the tools of PostgreSQL');
    const { ward, browser } = parts();
    const { page } = browser;
    await page.goto('/console/nodes');
    const to = join(ward.dataDir, `${script.replaceAll('/', '')}.zst`);
    const note = { takenAt: '2026-01-01T00:00:00Z', file: to, bytes: 3, ward: '0.0.1', files: 2 };
    await writeFile(
      join(ward.dataDir, 'last-backup.json'),
      JSON.stringify({ ...note, missing: [foreignText], damaged: 1 }),
    );
    await page.getByRole('link', { name: 'Backups and upgrade' }).click();
    await page.getByText(to).waitFor();
    await page.getByText('all nodes run Ward').waitFor();
    await page.getByText('SQLite, in the data folder').waitFor();
    await page.getByText('migrations of its tables').click();
    await page.getByRole('cell', { name: '0001-entities' }).waitFor();
    await browser.inspect('upkeep');
    // As a Ward with PostgreSQL answers, whose own test is of the store.
    const elsewhere = { dataDir: '/data', isElsewhere: true, last: null };
    const migrations = [{ name: '0001-schema', at: null }];
    await page.route('**/operator/backup', (route) => route.fulfill({ json: elsewhere }));
    await page.route('**/operator/database', (route) =>
      route.fulfill({ json: { engine: 'postgres', migrations } }),
    );
    await page.reload();
    await page.getByText('Back them up with the tools of PostgreSQL').waitFor();
    await page.getByText('PostgreSQL', { exact: true }).waitFor();
    await page.getByText('1 migration of its tables').click();
    await page.getByText('not known').waitFor();
    expect(await page.getByText('ward backup').count()).toBe(0);
    await page.unrouteAll();
    expect(browser.problems).toEqual([]);
  });
}

const diskParts = [
  ...['runtime-images', 'unpacked-images', 'image-builds', 'database', 'evidence', 'code', 'images'],
  ...['advisories', 'scan-cache', 'work', 'backup', 'reserve', 'other'],
];

/** What is on the disk without what differs from machine to machine: which parts there are, their order, and places. */
function sameOnAll(answer: DiskUse): DiskUse {
  const parts = diskParts.map((what) => ({
    ...{ what, bytes: 1, files: 1, isWhole: what !== 'work' },
    paths: [`/var/lib/ward/${what}`],
  }));
  return { ...answer, state: 'ample', parts };
}

/** A person with a hostile name logs in, as an issuer would let them. */
async function logIn(ward: Ward, namespace: string) {
  const name = `${script} ${foreignText} ${'s'.repeat(200)} of https://login.example`;
  const [keyId, secret] = [randomUUID(), 'x'.repeat(64)];
  await using store = await openStateOf(ward.dataDir);
  await store.keys.create(
    {
      ...{ keyId, namespace, scope: 'read', label: 'login: x', person: 'a'.repeat(64), maker: name },
      ...{ keyHash: createHash('sha256').update(secret).digest('hex') },
      ...{ createdAt: Date.now(), expiresAt: null },
    },
    { name, role: 'viewer' },
  );
  const auth = `${keyId}:${secret}`;
  return {
    name,
    works: async () => (await ward.request('GET', '/api/v1/namespaces', { auth })).status === 200,
  };
}

/** A place outside of all dialogs. */
const beside = { x: 5, y: 5 };

/** Selects with the mouse, and goes too far. */
async function dragOut(page: Page, from: Locator): Promise<void> {
  await from.hover();
  await page.mouse.down();
  await page.mouse.move(beside.x, beside.y);
  await page.mouse.up();
}

/** In each way but the button of the dialog. */
async function tryToClose(page: Page): Promise<void> {
  await dragOut(page, page.getByRole('dialog').locator('pre'));
  await page.mouse.click(beside.x, beside.y);
  // A browser lets a page refuse the first one only.
  for (const key of ['Escape', 'Escape']) await page.keyboard.press(key);
}

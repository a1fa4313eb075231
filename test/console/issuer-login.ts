/** Logging in at an OpenID provider, with real redirects between two sites. */
import type { Locator } from 'playwright-core';
import { expect, test } from 'vitest';
import type { TestProvider } from '../../src/oidc/provider.fixture.ts';
import { consoleClient } from '../../src/oidc/provider.fixture.ts';
import type { ConsoleBrowser } from '../browser.ts';
import type { Ward } from '../ward.ts';
import { hostileText, script } from './hostile.ts';

interface Parts {
  readonly ward: Ward;
  readonly browser: ConsoleBrowser;
  readonly provider: TestProvider;
}

/** Lets time pass for the page until its session ends soon, and logs in beside it. */
async function renewBeside({ page, context }: ConsoleBrowser, enter: Locator): Promise<void> {
  await page.clock.install();
  await page.reload();
  await page.getByText('a login at an issuer').waitFor();
  const note = page.getByText('Your session ends at');
  expect(await note.count()).toBe(0);
  await page.clock.fastForward('56:00');
  await note.waitFor();
  const [beside] = await Promise.all([context.waitForEvent('page'), enter.click()]);
  await note.waitFor({ state: 'detached' });
  await beside.close();
}

/** The issuer chooses the name of the person. */
async function chooseAsHostile(browser: ConsoleBrowser): Promise<void> {
  const { page } = browser;
  const choices = { name: hostileText, namespaces: ['guest'], operator: false };
  const path = '**/console/session/choice';
  await page.getByText('You are').waitFor();
  await page.route(path, (route) => route.fulfill({ json: { choices } }));
  await page.reload();
  await page.getByText(`You are ${script}`).waitFor();
  await browser.fit('choice of a namespace, with a hostile name');
  await page.unroute(path);
  await page.reload();
}

/** The audience of tokens for pipelines. */
export const pipeline = 'https://ci.example.com';

/** The setting `oidc` for these tests. */
export function issuerSetting({ issuer, authority }: TestProvider): object {
  const grant = (group: string, namespace: string) => ({
    ...{ claims: { groups: group }, namespace, role: 'viewer' },
  });
  const grants = [grant('ops', 'guest'), grant('shop', 'shop')];
  const robot = { claims: { sub: 'robot' }, namespace: 'guest', role: 'deployer' };
  return {
    issuers: [{ issuer, caFile: authority.file }],
    logins: [
      { issuer, audience: 'ward-cli', console: { clientId: consoleClient }, grants },
      { issuer, audience: pipeline, grants: [robot] },
    ],
  };
}

/** @param parts a browser without a session */
export function issuerLogin(parts: () => Parts): void {
  test('lets a person in at an issuer, with the rights of the group, and out everywhere', async () => {
    const { ward, browser, provider } = parts();
    const { page, context } = browser;
    provider.visitAs('eve');
    await page.goto('/console/runs?name=greet');
    const enter = page.getByRole('button', { name: `Log in with ${new URL(provider.issuer).host}` });
    await enter.click();
    await page.getByText('gives your login nothing to see').waitFor();
    provider.visitAs('bob');
    await context.clearCookies({ name: /^_/, domain: '127.0.0.1' });
    await page.goto('/console/runs?name=greet');
    await enter.click();
    await chooseAsHostile(browser);
    await page.getByLabel('Namespace', { exact: true }).selectOption('guest');
    await browser.inspect('choice of a namespace');
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByRole('heading', { name: 'Runs', exact: true }).waitFor();
    expect(page.url()).toBe(`${ward.url}/console/runs?name=greet`);
    // Nothing that a viewer may not do.
    for (const name of ['Cancel calls…', 'Run again…'])
      expect(await page.getByRole('button', { name }).count()).toBe(0);
    expect(await page.getByRole('link', { name: 'Keys and members' }).count()).toBe(0);
    await page.getByRole('link', { name: 'Domains' }).click();
    await page.getByText('No domains yet').waitFor();
    expect(await page.getByRole('button', { name: 'Claim a domain…' }).count()).toBe(0);
    const cookies = (await context.cookies()).filter(({ name }) => name.startsWith('__Host-ward-'));
    expect(cookies).toMatchObject([{ name: '__Host-ward-key', httpOnly: true, sameSite: 'Strict' }]);
    await page.getByRole('link', { name: 'Your login' }).click();
    await page.getByText('a login at an issuer').waitFor();
    await browser.inspect('account');
    await renewBeside(browser, enter);
    await page.getByRole('button', { name: 'Log out everywhere…' }).click();
    await page.getByRole('button', { name: 'Log out everywhere', exact: true }).click();
    await enter.waitFor();
    // On the way to the provider and back.
    browser.forget(/^console: .* status of 401 /);
    browser.forget(/^a request to https:\/\/127\.0\.0\.1:/);
    expect(browser.problems).toEqual([]);
  });
}

/** The console in a real browser, on a real Ward. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startProvider, type TestProvider } from '../src/oidc/provider.fixture.ts';
import { type ConsoleBrowser, countBytes, openBrowser } from './browser.ts';
import { adminPages } from './console/admin.ts';
import { allNamespaces } from './console/all-namespaces.ts';
import { domainPage } from './console/domains.ts';
import { drafts } from './console/drafts.ts';
import { egressPages } from './console/egress.ts';
import { liveErrors } from './console/errors.ts';
import { functionPages } from './console/functions.ts';
import { gatePages } from './console/gate.ts';
import { script } from './console/hostile.ts';
import { hostileSweep } from './console/hostile-sweep.ts';
import { isolationPage } from './console/isolation.ts';
import { issuerLogin, issuerSetting } from './console/issuer-login.ts';
import { liveLogs } from './console/live-logs.ts';
import { longLists } from './console/long-lists.ts';
import { manyTabs } from './console/many-tabs.ts';
import { operatorAlone } from './console/operator-alone.ts';
import { palette } from './console/palette.ts';
import { replayAll } from './console/replay-all.ts';
import { runCommands } from './console/run-commands.ts';
import { runPages } from './console/runs.ts';
import { triggerPages } from './console/triggers.ts';
import { onlyOneMachine } from './one-machine.ts';
import { missingForSandboxes, Ward } from './ward.ts';

/** The login page, with all the code that other pages need, too. */
const mostLoginBytes = 30 * 1024;

describe.skipIf(missingForSandboxes() !== undefined)('the console', () => {
  let ward: Ward;
  let browser: ConsoleBrowser;
  let provider: TestProvider;

  beforeAll(async () => {
    provider = await startProvider();
    ward = await Ward.start({ oidc: issuerSetting(provider) });
    // Before Ward reads its keys, which this replaces.
    provider.sendBackTo(`${ward.url}/console/session/callback`);
    browser = await openBrowser(ward.url);
  });
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]();
    await ward?.[Symbol.asyncDispose]();
    await provider?.[Symbol.asyncDispose]();
  });

  // What one test has found must not fail all others.
  afterEach(({ task }) => {
    if (task.result?.state === 'fail') browser.forget(/^/);
  });

  const logIn = async () => {
    await browser.page.getByLabel('Key of your namespace').fill(ward.auth);
    await browser.page.getByRole('button', { name: 'Log in', exact: true }).click();
    await browser.page.getByRole('button', { name: 'Log out' }).waitFor();
  };
  const operatorUrl = async () => {
    const printed = await ward.cli(['console', 'login', '--data', ward.dataDir, '-q', '-o', 'name']);
    expect(printed).toMatchObject({ code: 0, stderr: '' });
    return printed.stdout.trim();
  };

  const logInAsOperator = async () => {
    await browser.page.goto(await operatorUrl());
    await browser.page.getByRole('link', { name: 'Namespaces' }).waitFor();
  };

  test('loads little, asks for a key, keeps the session from scripts, and takes no text as HTML', async () => {
    const { page, context } = browser;
    const loaded = await countBytes(page);
    await page.goto('/console/');
    await page.getByLabel('Key of your namespace').waitFor();
    expect(loaded()).toBeGreaterThan(0);
    expect(loaded()).toBeLessThan(mostLoginBytes);
    await browser.inspect('login');
    await logIn();
    expect(await page.evaluate('document.cookie')).toBe('');
    const cookies = await context.cookies();
    expect(cookies).toMatchObject([{ name: '__Host-ward-key', httpOnly: true, sameSite: 'Strict' }]);
    expect(browser.problems).toEqual([]);
    const assigned = page.evaluate(`document.body.innerHTML = '<p>${script}</p>'`);
    await expect(assigned).rejects.toThrow(/TrustedHTML/);
    const policy = page.evaluate(`trustedTypes.createPolicy('default', { createHTML: (text) => text })`);
    await expect(policy).rejects.toThrow(/disallowed/);
    browser.forget(/TrustedHTML|trusted-types|TrustedTypePolicy/);
    expect(browser.problems).toEqual([]);
  });

  test('lets an operator in by a URL that works once, and shows all namespaces', async () => {
    const { page } = browser;
    await logInAsOperator();
    await page.getByRole('link', { name: 'Namespaces' }).click();
    await page.getByRole('link', { name: 'whisk.system' }).waitFor();
    expect(page.url()).toBe(`${ward.url}/console/namespaces`);
    await browser.inspect('namespaces');
    const filter = page.getByLabel('Filter by name');
    await filter.fill('WHISK');
    await page.getByRole('link', { name: 'guest' }).waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'whisk.system' }).waitFor();
    await filter.fill('absent');
    await page.getByText('No namespace has this in its name.').waitFor();
    await filter.fill('');
    await page.getByRole('link', { name: 'guest' }).waitFor();
    expect(browser.problems).toEqual([]);
  });

  test('goes on with the key of the namespace when only the session of the operator has ended', async () => {
    const { page, context } = browser;
    await context.clearCookies({ name: '__Host-ward-operator' });
    const operatorPage = page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Nodes' });
    await operatorPage.click();
    await page.getByText('Your session as an operator has ended.').waitFor();
    browser.forget(/status of 401/);
    await operatorPage.waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'Functions' }).waitFor();
    expect(await page.getByText('Your session has ended.').count()).toBe(0);
    await logInAsOperator();
    expect(browser.problems).toEqual([]);
  });

  runPages(() => ({ ward, browser }));
  runCommands(() => ({ ward, browser }));
  allNamespaces(() => ({ ward, browser }));
  manyTabs(() => ({ ward, browser }));
  liveLogs(() => ({ ward, browser }));
  replayAll(() => ({ ward, browser }));
  liveErrors(() => ({ ward, browser }));
  functionPages(() => ({ ward, browser, logIn, logInAsOperator }));
  drafts(() => ({ ward, browser, logIn, logInAsOperator }));
  triggerPages(() => ({ ward, browser }));
  palette(() => ({ ward, browser }));
  domainPage(() => ({ ward, browser }));
  gatePages(() => ({ ward, browser }));
  egressPages(() => ({ ward, browser }));
  isolationPage(() => ({ ward, browser }));
  adminPages(() => ({ ward, browser, provider }));
  hostileSweep(() => ({ browser }));

  operatorAlone(() => ({ ward, browser, operatorUrl }));

  test('has a page with all components, and one for addresses that lead nowhere', async () => {
    const { page } = browser;
    await page.goto('/console/components');
    await page.getByRole('heading', { name: 'Components' }).waitFor();
    await page.getByRole('textbox', { name: 'Example' }).waitFor();
    await page.getByRole('table', { name: 'Long list' }).getByText('hello-4').waitFor();
    await page.getByRole('button', { name: 'Question' }).click();
    await page.getByLabel('Type hello to confirm').waitFor();
    await browser.inspect('components, a question');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Report' }).click();
    await page.getByRole('region', { name: 'Messages' }).getByText('TOO_MANY_CONCURRENT').waitFor();
    await browser.inspect('components');
    await page.getByRole('button', { name: 'Dismiss' }).click();
    await page.goto('/console/constructor/<img src=x onerror=alert(1)>');
    await page.getByText('No such page').waitFor();
    await browser.inspect('no such page');
    expect(browser.problems).toEqual([]);
  });

  test('is used by keyboard', async () => {
    const { page } = browser;
    await page.goto('/console/components');
    await page.getByRole('heading', { name: 'Components' }).waitFor();
    await page.keyboard.press('Control+k');
    await browser.inspect('palette');
    await page.keyboard.type('theme dark');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark');
    await page.keyboard.press('Control+k');
    await page.keyboard.type('namesp');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Namespaces' }).waitFor();
    await page.setViewportSize({ width: 1440, height: 300 });
    await page.keyboard.press('Control+k');
    await page.keyboard.press('ArrowUp');
    const [choice, list] = ['[aria-selected="true"]', '#palette-list'].map((each) => page.locator(each));
    const bottomOf = async (what = page.locator('nothing')) => {
      const box = await what.boundingBox();
      return box === null ? Number.NaN : box.y + box.height;
    };
    await expect.poll(async () => (await bottomOf(choice)) <= (await bottomOf(list))).toBe(true);
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.keyboard.type('theme system');
    await page.keyboard.press('Enter');
    expect(browser.problems).toEqual([]);
  });

  longLists(() => ({ ward, browser }));

  test('logs out, and says so in a page that is still open', async () => {
    const { page, context } = browser;
    const other = await context.newPage();
    await other.goto('/console/');
    // A refused request can say that the session has ended before the answer is there, which removes its cookies.
    const answered = other.waitForResponse((response) => response.request().method() === 'DELETE');
    await other.getByRole('button', { name: 'Log out' }).click();
    await other.getByLabel('Key of your namespace').waitFor();
    await answered;
    await other.close();
    await expect.poll(() => context.cookies()).toEqual([]);
    await page.getByRole('link', { name: 'Ward', exact: true }).click();
    await page.getByText('Your session has ended.').waitFor();
    // The refusals that said so.
    expect([...new Set(browser.problems)]).toEqual([expect.stringMatching(/^console: .* status of 401 /)]);
  });

  issuerLogin(() => ({ ward, browser, provider }));

  test('looks as in the stored pictures', async () => {
    onlyOneMachine('the pictures show one node, and pages of its files');
    expect(await browser.pictures.differences()).toEqual([]);
  });
});

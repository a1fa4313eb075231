/** The list of functions, the editor, and what a key that may only read is not offered. */
import { expect, test } from 'vitest';
import type { ConsoleBrowser } from '../browser.ts';
import type { Ward } from '../ward.ts';
import { longName } from './hostile.ts';
import { markup } from './runs.ts';

interface Given {
  readonly ward: Ward;
  readonly browser: ConsoleBrowser;
  readonly logIn: () => Promise<void>;
  readonly logInAsOperator: () => Promise<void>;
}

/** Call it after `runPages`. */
export function functionPages(given: () => Given): void {
  test('writes a function in the editor, runs it, and deletes it', async () => {
    const { ward, browser } = given();
    const { page } = browser;
    await page.getByRole('link', { name: 'Functions' }).click();
    await page.getByRole('link', { name: 'greet' }).waitFor();
    await page.getByRole('row').filter({ hasText: 'hostile' }).getByText('application error').waitFor();
    await browser.inspect('functions');
    await page.getByRole('link', { name: 'New function' }).click();
    await page.getByLabel('Name').fill('hostile');
    await page.getByRole('textbox', { name: 'Code' }).waitFor();
    await browser.inspect('new function');
    await page.getByRole('button', { name: 'Create' }).click();
    // Others may have made it meanwhile.
    await page.getByText('resource already exists').waitFor();
    browser.forget(/status of 409/);
    await page.getByLabel('Name').fill('written');
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByRole('heading', { name: 'written' }).waitFor();
    await page.getByLabel('Input, as a JSON object').fill('{ "name": "Ada" }');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByText('Hello, Ada!').waitFor();
    await browser.inspect('function');

    await page.getByRole('textbox', { name: 'Code of written' }).click();
    await page.keyboard.press('Control+a');
    await page.keyboard.press('Delete');
    await page.keyboard.type(`function main() { return { m: '${markup}' } }`);
    await page.getByText('Runs what is saved.').waitFor();
    await page.keyboard.press('Control+s');
    await page.getByText('Saved written as revision 0.0.2.').waitFor();
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByText(`"m": "${markup}"`).waitFor();
    expect((await ward.request('GET', '/api/v1/namespaces/_/actions/written')).body.exec.code).toContain(
      markup,
    );

    await page.getByRole('button', { name: 'Delete…' }).click();
    const remove = page.getByRole('dialog').getByRole('button', { name: 'Delete' });
    expect(await remove.isDisabled()).toBe(true);
    await page.getByLabel('Type written to delete it').fill('written');
    await remove.click();
    await page.getByText('Deleted written.').waitFor();
    expect((await ward.request('GET', '/api/v1/namespaces/_/actions/written')).status).toBe(404);
    expect(browser.problems).toEqual([]);
  });

  test('has room for the longest names', async () => {
    const { ward, browser } = given();
    const { page } = browser;
    await ward.deploy(longName, 'function main() { return {} }');
    const { body } = await ward.invoke(longName);
    for (const path of ['overview', 'functions', 'runs', `runs/${body.activationId}`]) {
      await page.goto(`/console/${path}`);
      await page
        .getByText(path === 'overview' ? 'a second' : longName)
        .first()
        .waitFor();
      await browser.inspect(`${path}, long names`);
    }
    await page.goto(`/console/functions/${longName}`);
    await page.getByRole('button', { name: 'Delete…' }).click();
    await browser.inspect('delete, long name');
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'Functions' }).click();
    await page.getByRole('link', { name: 'hostile' }).waitFor();
    expect(browser.problems).toEqual([]);
    expect((await ward.request('DELETE', `/api/v1/namespaces/_/actions/${longName}`)).status).toBe(200);
  });

  test('a key that may only read gets no button that fails', async () => {
    const { ward, browser, logIn, logInAsOperator } = given();
    const made = [
      'namespace',
      'key',
      'create',
      'guest',
      '--scope',
      'read',
      '--data',
      ward.dataDir,
      '-o',
      'json',
    ];
    const { key } = JSON.parse((await ward.cli(made)).stdout);
    const { page } = browser;
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('Key of your namespace').fill(key);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('link', { name: 'hostile' }).click();
    await page.getByRole('textbox', { name: 'Code of hostile' }).waitFor();
    for (const name of ['Save', 'Run', 'Delete…'])
      expect(await page.getByRole('button', { name, exact: true }).count()).toBe(0);
    await page.goto('/console/new-function');
    await page.getByText('No such page').waitFor();
    await page.getByRole('button', { name: 'Log out' }).click();
    await logIn();
    await logInAsOperator();
    expect(browser.problems).toEqual([]);
  });
}

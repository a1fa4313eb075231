/** What is typed and not saved outlasts the page, a reload and the end of the session, but no logout. */
import { expect, test } from 'vitest';
import { type ConsoleBrowser, leaving } from '../browser.ts';
import type { Ward } from '../ward.ts';

interface Given {
  readonly ward: Ward;
  readonly browser: ConsoleBrowser;
  readonly logIn: () => Promise<void>;
  readonly logInAsOperator: () => Promise<void>;
}

/** @param given a browser with a session of a key. Leaves one of an operator, too. */
export function drafts(given: () => Given): void {
  test('keeps typed code when the page is left or the session ends, until it is saved or discarded', async () => {
    const { ward, browser, logIn } = given();
    const { page } = browser;
    await ward.deploy('draft', '// stored');
    await page.goto('/console/functions/draft');
    const editor = page.getByRole('textbox', { name: 'Code of draft' });
    await editor.press('Control+End');
    await page.keyboard.type(' and mine');
    const typed = page.getByText('// stored and mine');
    const note = page.getByText('Unsaved text of draft, typed at');
    expect(await note.count()).toBe(0);
    await page.getByRole('link', { name: 'Runs', exact: true }).click();
    await page.getByRole('heading', { name: 'Runs', exact: true }).waitFor();
    await page.goBack();
    await note.waitFor();
    await typed.waitFor();
    await browser.inspect('function, restored');

    await page.reload();
    expect(browser.problems).toEqual([leaving]);
    browser.forget(/asks before it is left/);
    await note.waitFor();

    await page.context().clearCookies();
    await page.getByRole('button', { name: 'Changes since the last revision' }).click();
    await page.getByText('Your session has ended.').waitFor();
    await logIn();
    await note.waitFor();
    await typed.waitFor();
    browser.forget(/status of 401/);

    // Nobody’s change is overwritten by a text that is older.
    await ward.deploy('draft', '// theirs');
    await page.getByRole('link', { name: 'Runs', exact: true }).click();
    await page.getByRole('heading', { name: 'Runs', exact: true }).waitFor();
    await page.goBack();
    await page.getByText('The function was changed since.').waitFor();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByRole('button', { name: 'Compare it with what is stored' }).click();
    browser.forget(/status of 412/);
    await page.getByText('// theirs').waitFor();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('Saved draft as revision 0.0.3.').waitFor();
    await page.reload();
    await typed.waitFor();
    expect(await note.count()).toBe(0);

    await editor.press('Control+End');
    await page.keyboard.type('!');
    await page.getByRole('link', { name: 'Runs', exact: true }).click();
    await page.getByRole('heading', { name: 'Runs', exact: true }).waitFor();
    await page.goBack();
    await page.getByRole('button', { name: 'Discard it' }).click();
    await note.waitFor({ state: 'detached' });
    await page.reload();
    await page.getByText('// stored and mine', { exact: true }).waitFor();
    expect(await note.count()).toBe(0);

    await editor.press('Control+End');
    await page.keyboard.type(' and lost');
    await page.getByRole('link', { name: 'Runs', exact: true }).click();
    await page.getByRole('heading', { name: 'Runs', exact: true }).waitFor();
    expect((await ward.request('DELETE', '/api/v1/namespaces/_/actions/draft')).status).toBe(200);
    await page.goBack();
    await page.getByText('The function was deleted since.').waitFor();
    await page.getByText('// stored and mine and lost').waitFor();
    await page.getByRole('button', { name: 'Discard it' }).click();
    await note.waitFor({ state: 'detached' });
    browser.forget(/status of 404/);
    expect(browser.problems).toEqual([]);
  });

  test('keeps the code of a new function, and asks before a logout throws it away', async () => {
    const { browser, logIn, logInAsOperator } = given();
    const { page } = browser;
    await page.goto('/console/new-function');
    await page.getByLabel('Name').fill('unborn');
    await page.getByRole('textbox', { name: 'Code' }).press('Control+End');
    await page.keyboard.type('// typed');
    await page.getByRole('link', { name: 'Runs', exact: true }).click();
    await page.getByRole('heading', { name: 'Runs', exact: true }).waitFor();
    await page.goBack();
    const note = page.getByText('Unsaved text of a new function, typed at');
    await note.waitFor();
    await page.getByText('// typed').waitFor();
    expect(await page.getByLabel('Name').inputValue()).toBe('unborn');

    await page.evaluate(`navigator.clipboard.writeText('// too long\\n'.repeat(100_000))`);
    await page.getByRole('textbox', { name: 'Code' }).press('Control+v');
    await page.getByText('too long to be kept when you leave').waitFor();
    await page.reload();
    expect(browser.problems).toEqual([leaving]);
    browser.forget(/asks before it is left/);
    await page.getByText('// typed').waitFor();

    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByText('This tab has text that is not saved.').waitFor();
    await browser.inspect('logout, with unsaved text');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('// typed').waitFor();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Log out' }).click();
    await logIn();
    await page.getByRole('textbox', { name: 'Code' }).waitFor();
    expect(await page.getByText('// typed').count()).toBe(0);
    await logInAsOperator();
    expect(await note.count()).toBe(0);
    expect(browser.problems).toEqual([]);
  });
}

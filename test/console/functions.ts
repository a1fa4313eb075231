/** The list of functions, the editor, and what a key that may only read is not offered. */
import { expect, test } from 'vitest';
import type { ConsoleBrowser } from '../browser.ts';
import type { Ward } from '../ward.ts';
import { zip } from '../zip.ts';
import { longName, script } from './hostile.ts';
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
    const row = page.getByRole('row').filter({ hasText: 'hostile' });
    await row.getByText('application error').waitFor();
    await row.getByRole('link', { name: `error ${markup}` }).waitFor();
    await row.getByRole('link', { name: 'runs', exact: true }).waitFor();
    await row.getByRole('img', { name: 'p99' }).waitFor();
    expect(await row.locator('script').count()).toBe(0);
    expect(await row.getByRole('link', { name: 'in 24 hours' }).getAttribute('href')).toBe(
      '/console/runs?name=hostile&since=day',
    );
    await browser.inspect('functions');
    await browser.fit('functions');
    await page.setViewportSize({ width: 800, height: 900 });
    for (const name of [`error ${markup}`, 'runs', 'in 24 hours'])
      expect(await row.getByRole('link', { name }).isVisible()).toBe(true);
    // The list has room for rows of several lines.
    const heightOf = async (role: 'row' | 'rowgroup') =>
      (await page.getByRole(role).last().boundingBox())?.height ?? 0;
    const count = (await page.getByRole('row').count()) - 1;
    await expect.poll(() => heightOf('rowgroup')).toBe(count * (await heightOf('row')));
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.getByLabel('Search functions').fill('HOST');
    await page.getByRole('link', { name: 'greet' }).waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'hostile' }).waitFor();
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox').fill('gree');
    await page.getByRole('option', { name: 'greet function' }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'greet' }).waitFor();
    await page.getByRole('link', { name: 'Functions' }).click();
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
    await page.getByText('runs', { exact: true }).waitFor();
    await page.getByText('How its sandboxes are confined').click();
    await page.getByRole('cell', { name: '256 MiB of memory' }).waitFor();
    await page.getByLabel('Save this input as').fill(script);
    await page.getByRole('button', { name: 'Save the input' }).click();

    await page.getByRole('textbox', { name: 'Code of written' }).click();
    await page.keyboard.press('Control+a');
    await page.keyboard.press('Delete');
    await page.keyboard.type(`function main() { return { m: '${markup}' } }`);
    await page.getByText('Runs what is saved.').waitFor();
    await page.getByRole('button', { name: 'Show the changes' }).click();
    await page.getByText('greeting: `Hello').waitFor();
    await browser.inspect('function, changed');
    await page.getByRole('textbox', { name: 'Code of written' }).press('Control+s');
    await page.getByText('Saved written as revision 0.0.2.').waitFor();

    // Another tab has the function open, and saves it.
    await ward.deploy('written', '// theirs');
    await page.getByRole('textbox', { name: 'Code of written' }).press('Control+End');
    await page.keyboard.type('// mine');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('has changed since it was read').waitFor();
    browser.forget(/status of 412/);
    await browser.inspect('function, changed by another');
    await page.getByRole('button', { name: 'Compare it with what is stored' }).click();
    await page.getByText('// theirs').waitFor();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('Saved written as revision 0.0.4.').waitFor();
    await page.reload();
    await page.getByText('Calls an hour').waitFor();
    await page.getByLabel('Input, as a JSON object').fill('{}');
    await page.getByLabel('Saved inputs').selectOption(script);
    expect(await page.getByLabel('Input, as a JSON object').inputValue()).toBe('{ "name": "Ada" }');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByText(`"m": "${markup}"`).waitFor();
    const storedCode = async () =>
      (await ward.request('GET', '/api/v1/namespaces/_/actions/written')).body.exec.code;
    expect(await storedCode()).toContain(markup);
    await page.getByRole('button', { name: 'Changes since the last revision' }).click();
    await page.getByText('Revision 0.0.3, replaced').waitFor();
    await page.getByText('// theirs').waitFor();
    await browser.inspect('function, with its last revision');
    await page.getByRole('button', { name: 'Put its text into the editor' }).click();
    await page.getByText('not saved').waitFor();
    await page.getByRole('textbox', { name: 'Code of written' }).press('Control+s');
    await page.getByText('Saved written as revision 0.0.5.').waitFor();
    expect(await storedCode()).toBe('// theirs');

    // What it wrote last may be missing.
    await ward.deploy('written', `function main() { console.log('before'); process.exit(1); }`);
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByText('The log may be partial').waitFor();

    await page.getByRole('button', { name: 'Delete…' }).click();
    const remove = page.getByRole('dialog').getByRole('button', { name: 'Delete' });
    expect(await remove.isDisabled()).toBe(true);
    await page.getByLabel('Type written to confirm').fill('written');
    await remove.click();
    await page.getByText('Deleted written.').waitFor();
    expect((await ward.request('GET', '/api/v1/namespaces/_/actions/written')).status).toBe(404);
    expect(browser.problems).toEqual([]);
  });

  test('keeps the typed text when another user deploys another kind', async () => {
    const { ward, browser } = given();
    const { page } = browser;
    await ward.deploy('shared', '// ours');
    await page.goto('/console/functions/shared');
    const editor = page.getByRole('textbox', { name: 'Code of shared' });
    await editor.press('Control+End');
    await page.keyboard.type(' and mine');
    await ward.deploy('shared', '// theirs', { kind: 'nodejs:22' });
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByRole('button', { name: 'Compare it with what is stored' }).click();
    browser.forget(/status of 412/);
    await page.getByText('shared is of kind nodejs:22 now').waitFor();
    await page.getByText('// theirs').waitFor();
    await page.getByText('// ours and mine').waitFor();
    await browser.inspect('function, of another kind now');
    await editor.press('Control+End');
    await page.keyboard.type('!');
    // Not as the other kind before the reader has chosen.
    const save = page.getByRole('button', { name: 'Save', exact: true });
    expect(await save.isDisabled()).toBe(true);
    await editor.press('Control+s');
    await page.getByRole('button', { name: 'Save as nodejs:24' }).click();
    await page.getByText('Saved shared as revision 0.0.3.').waitFor();
    const path = '/api/v1/namespaces/_/actions/shared';
    const stored = async () => (await ward.request('GET', path)).body.exec;
    expect(await stored()).toMatchObject({ kind: 'nodejs:24', code: '// ours and mine!' });

    // The text of an earlier revision brings its kind along.
    await page.getByRole('button', { name: 'Changes since the last revision' }).click();
    await page.getByText('was of kind nodejs:22').waitFor();
    await page.getByRole('button', { name: 'Put its text into the editor' }).click();
    await page.getByText('shared is of kind nodejs:24 now').waitFor();
    expect(await save.isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Save as nodejs:22' }).click();
    await page.getByText('Saved shared as revision 0.0.4.').waitFor();
    expect(await stored()).toMatchObject({ kind: 'nodejs:22', code: '// theirs' });
    await editor.press('Control+End');
    await page.keyboard.type('!');
    await save.click();
    await page.getByText('Saved shared as revision 0.0.5.').waitFor();
    expect(await stored()).toMatchObject({ kind: 'nodejs:22', code: '// theirs!' });
    await leave(page);
    expect((await ward.request('DELETE', path)).status).toBe(200);
    expect(browser.problems).toEqual([]);
  });

  test('keeps what was typed for a new function when its kind or its source changes', async () => {
    const { ward, browser } = given();
    const { page } = browser;
    await page.goto('/console/new-function');
    const kind = page.getByLabel('Kind');
    // A template that nobody has touched.
    await kind.selectOption('python:3.13');
    await page.getByText('def main(args):').waitFor();
    await kind.selectOption('nodejs:22');
    await page.getByText('function main').waitFor();
    await page.getByRole('textbox', { name: 'Code' }).press('Control+End');
    await page.keyboard.type('// typed');
    await page.getByLabel('From').selectOption('file');
    const buffer = Buffer.from('def main(args):\n    return {}\n');
    const file = { name: 'other.py', mimeType: 'text/plain', buffer };
    await page.getByLabel('File, zip or jar').setInputFiles(file);
    await expect.poll(() => kind.inputValue()).toBe('python:3.13');
    await page.getByLabel('From').selectOption('editor');
    await page.getByText('// typed').waitFor();
    expect(await kind.inputValue()).toBe('nodejs:22');
    await kind.selectOption('python:3.13');
    await kind.selectOption('nodejs:24');
    await page.getByText('// typed').waitFor();
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByRole('heading', { name: 'other' }).waitFor();
    const path = '/api/v1/namespaces/_/actions/other';
    const { exec } = (await ward.request('GET', path)).body;
    expect(exec).toMatchObject({
      kind: 'nodejs:24',
      code: expect.stringMatching(/^function main.*\/\/ typed$/s),
    });
    await leave(page);
    expect((await ward.request('DELETE', path)).status).toBe(200);
    expect(browser.problems).toEqual([]);
  });

  test('says where a function may connect to in the words of its policy', async () => {
    const { ward, browser } = given();
    const { page } = browser;
    await page.goto('/console/functions/hostile');
    const network = page.locator('dt:text-is("Network") + dd');
    await network.getByText('reaches nothing', { exact: true }).waitFor();
    // A rule of the namespace is not in the annotations of the function.
    const { body } = await ward.request('GET', '/ward/v1/namespaces/_/explain/hostile');
    const { policy }: { policy: readonly { mechanism: string }[] } = body;
    const value = 'reaches tcp api.example:443 and nothing else; 64 connections';
    const changed = policy.map((line) => (line.mechanism === 'egress' ? { ...line, value } : line));
    const path = '**/explain/hostile';
    await page.route(path, (route) => route.fulfill({ json: { ...body, policy: changed } }));
    await page.reload();
    await network.getByText('reaches tcp api.example:443 and nothing else', { exact: true }).waitFor();
    await page.unroute(path);
    expect(browser.problems).toEqual([]);
  });

  test('makes functions of a file, a zip and an image', async () => {
    const { ward, browser } = given();
    const { page } = browser;
    const source = 'exports.start = () => ({ m: 1 })';
    const files = {
      'filed.js': Buffer.from(source),
      'zipped.zip': await zip({ 'index.js': source }),
    };
    const read = async (name: string) =>
      (await ward.request('GET', `/api/v1/namespaces/_/actions/${name}`)).body.exec;
    for (const [name, buffer] of Object.entries(files)) {
      await page.goto('/console/new-function');
      await page.getByLabel('From').selectOption('file');
      await page.getByLabel('File, zip or jar').setInputFiles({ name, mimeType: 'text/plain', buffer });
      await page.getByLabel('Entry point').fill('start');
      const made = name.split('.')[0] ?? '';
      expect(await page.getByLabel('Name').inputValue()).toBe(made);
      if (made === 'zipped') await browser.inspect('a function of a file');
      await page.getByRole('button', { name: 'Create' }).click();
      await page.getByRole('heading', { name: made }).waitFor();
      expect((await ward.invoke(made)).body.response.result).toEqual({ m: 1 });
    }
    expect(await read('filed')).toMatchObject({ code: source, binary: false, main: 'start' });
    expect(await read('zipped')).toMatchObject({ binary: true });
    // Nobody reads a zip in the page, so the page does not load it.
    const asked: string[] = [];
    const note = (request: { readonly url: () => string }) => {
      const { pathname, search } = new URL(request.url());
      if (pathname.endsWith('/actions/zipped')) asked.push(search);
    };
    page.on('request', note);
    await page.goto('/console/functions/zipped');
    await page.getByRole('heading', { name: 'A zip archive' }).waitFor();
    page.off('request', note);
    expect(asked).toEqual(['?code=false']);
    await page.goto('/console/new-function');
    await page.getByLabel('From').selectOption('image');
    await page.getByLabel('Name').fill('imaged');
    await page.getByLabel('Image').fill('guest/absent:v1');
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByText('its image is not here').waitFor();
    expect(await read('imaged')).toMatchObject({ kind: 'blackbox', image: 'guest/absent:v1' });
    await leave(page);
    for (const name of ['filed', 'zipped', 'imaged'])
      await ward.request('DELETE', `/api/v1/namespaces/_/actions/${name}`);
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
    for (const code of ['// first', '// second']) await ward.deploy('twice', code);
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('Key of your namespace').fill(key);
    await page.getByRole('button', { name: 'Log in', exact: true }).click();
    await page.getByRole('link', { name: 'hostile' }).click();
    await page.getByRole('textbox', { name: 'Code of hostile' }).waitFor();
    for (const name of ['Save', 'Run', 'Delete…'])
      expect(await page.getByRole('button', { name, exact: true }).count()).toBe(0);
    await page.goto('/console/functions/twice');
    await page.getByRole('button', { name: 'Changes since the last revision' }).click();
    await page.getByText('// first').waitFor();
    expect(await page.getByRole('button', { name: 'Put its text into the editor' }).count()).toBe(0);
    await leave(page);
    expect((await ward.request('DELETE', '/api/v1/namespaces/_/actions/twice')).status).toBe(200);
    await page.goto('/console/new-function');
    await page.getByText('No such page').waitFor();
    await page.getByRole('button', { name: 'Log out' }).click();
    await logIn();
    await logInAsOperator();
    expect(browser.problems).toEqual([]);
  });
}

/** To be called before what the page shows is deleted: it may still load some of it. */
async function leave(page: ConsoleBrowser['page']): Promise<void> {
  await page.goto('/console/functions');
  await page.getByRole('link', { name: 'hostile' }).waitFor();
}

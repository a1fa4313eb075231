/** The commands on the page of a run do what they say, with hostile names and values in them. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { runCommand } from '../../src/lib/index.ts';
import type { ConsoleBrowser } from '../browser.ts';
import { launcher, outsideEnv, type Ward } from '../ward.ts';
import { script } from './hostile.ts';

interface Given {
  readonly ward: Ward;
  readonly browser: ConsoleBrowser;
}

/** As the page has them: for `ward`, and for `curl`. */
export async function commandsOf(page: Page, title: string): Promise<readonly string[]> {
  const lines = page.getByRole('region', { name: title }).locator('.command pre');
  await lines.nth(1).waitFor();
  return await lines.allTextContents();
}

/** @param given a browser with the session of a key */
export function runCommands(given: () => Given): void {
  test('has the commands that repeat a call, whatever its name and its input are', async () => {
    const { ward, browser } = given();
    const { page } = browser;
    const hostileName = 'a & touch pwned';
    const input = { text: `${script} it's $(touch pwned) \u001b[201~\u202e`, '@list': [1, { deep: '`' }] };
    const path = `/api/v1/namespaces/_/actions/${encodeURIComponent(hostileName)}`;
    const annotations = [{ key: 'capture-input', value: true }];
    const exec = { kind: 'nodejs:24', code: 'const main = (given) => given' };
    await ward.request('PUT', path, { body: { exec, annotations } });
    const { body: first } = await ward.request('POST', `${path}?blocking=true`, { body: input });
    await page.goto(`/console/runs/${first.activationId}`);
    const [callWard = '', callCurl = ''] = await commandsOf(page, 'Call it again');
    await browser.inspect('run, with commands');
    await inShell(ward, async (run, folder) => {
      expect(JSON.parse(await run(callWard))).toEqual(input);
      const answer = { name: hostileName, response: { result: input } };
      expect(JSON.parse(await run(callCurl))).toMatchObject(answer);
      for (const line of await commandsOf(page, 'Fetch the record'))
        expect(await run(line)).toContain(first.activationId);
      expect(await readdir(folder)).toEqual([]);
    });
    await page.getByText('The input of this run.').waitFor();

    // The payload of a firing is in its record.
    const api = '/api/v1/namespaces/_';
    const trigger = `${api}/triggers/fired%20%26%20all`;
    await ward.request('PUT', trigger, { body: {} });
    const rule = { trigger: '/_/fired & all', action: `/_/${hostileName}` };
    expect((await ward.request('PUT', `${api}/rules/fired`, { body: rule })).status).toBe(200);
    const fired = await ward.request('POST', trigger, { body: { given: 1 } });
    await page.goto(`/console/runs/${fired.body.activationId}`);
    const [fireWard, fireCurl] = await commandsOf(page, 'Fire it again');
    expect(fireWard).toBe(`printf %s '{"given":1}' | ward trigger fire 'fired & all' -P -`);
    expect(fireCurl).toContain(`--data-raw '{"given":1}' "$WARD_APIHOST${trigger}"`);
    // A long one is in no line: a file has it.
    const long = { text: 'y'.repeat(1_000_000) };
    const more = await ward.request('POST', trigger, { body: long });
    await page.goto(`/console/runs/${more.body.activationId}`);
    await page.getByText('The input is long, so it is in a file').waitFor();
    const lines = await commandsOf(page, 'Fire it again');
    expect(lines.map((line) => line.length < 300)).toEqual([true, true, true]);
    const again = await inShell(ward, async (run) => {
      for (const line of lines.slice(0, 2)) await run(line);
      return JSON.parse(await run(lines.at(-1) ?? ''));
    });
    const record = await ward.request('GET', `${api}/activations/${again.activationId}`);
    expect(record.body.response.result).toEqual(long);
    for (const each of [`${api}/rules/fired`, trigger, path]) await ward.request('DELETE', each);
    expect(browser.problems).toEqual([]);
  });
}

type Run = (line: string) => Promise<string>;

/** Types lines into a shell that has `ward` and the settings of a user, in an empty folder. */
async function inShell<T>(ward: Ward, type: (run: Run, folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'ward-commands-'));
  const env = {
    ...{ ...outsideEnv(), WSK_CONFIG_FILE: '/nonexistent', WARD_LAUNCHER: launcher },
    ...{ WARD_AUTH: ward.auth, WARD_APIHOST: ward.url },
  };
  const run = async (line: string) => {
    const script = `ward() { node "$WARD_LAUNCHER" "$@"; }; ${line}`;
    const { stdout } = await runCommand(['sh', '-c', script], { cwd: folder, env });
    return stdout;
  };
  try {
    return await type(run, folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

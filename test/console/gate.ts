/** The pages of the gate: verdicts, findings, reports. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ShownVerdict, VerdictRow } from '../../src/answers/index.ts';
import { gatePaths } from '../../src/server/index.ts';
import { type ConsoleBrowser, leaving } from '../browser.ts';
import { onlyOneMachine } from '../one-machine.ts';
import type { Ward } from '../ward.ts';
import { zip } from '../zip.ts';
import { changeAnswer } from './changed-answer.ts';
import { foreignText, longName, script } from './hostile.ts';

interface Parts {
  readonly ward: Ward;
  readonly browser: ConsoleBrowser;
}

const hostileLicence = `MIT ${script}`;
/** A secret by its form. Its parts are apart, so that this file has none. */
const leakedKey = ['AKIA', 'Z7QW4XK2MNB5VTRP'].join('');

const advisory = {
  id: 'GHSA-35jh-r3h4-6jhm',
  aliases: ['CVE-2021-23337'],
  modified: '2024-04-17T18:39:19Z',
  published: '2021-05-06T16:05:51Z',
  summary: `${script} ${foreignText} ${'x'.repeat(250)}`,
  affected: [
    {
      package: { ecosystem: 'npm', name: 'planted-package' },
      ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, { fixed: '4.17.21' }] }],
    },
  ],
  database_specific: { severity: 'HIGH' },
};

/** In a picture, because it depends on time which real code was judged again by newer advisories, and when. */
const madeVerdicts: readonly VerdictRow[] = (
  [
    ['deny', 'deploy', 'guest/vulnerable', 'guest', 'vulnerabilities.limits.high', '1 high vulnerability'],
    ['warn', 'run', longName, longName, 'advisories.stale', `the advisories are old ${script}`],
    ['allow', 'push', 'shop/web:1.4', 'shop', '', ''],
  ] as const
).map(([outcome, stage, name, namespace, rule, text], at) => ({
  ...{
    digest: `sha256:${String(at).repeat(64)}`,
    kind: stage === 'push' ? 'image' : 'code',
    name,
    namespace,
  },
  ...{
    stage,
    outcome,
    judgedAt: '2026-01-01T00:00:00Z',
    summary: outcome,
    counts: { critical: 0, high: at },
  },
  rules: outcome === 'allow' ? [] : [{ rule, outcome, text }],
}));

/** @param parts a browser with the sessions of a key and of an operator */
export function gatePages(parts: () => Parts): void {
  test('shows what the gate judged, and finds it by CVE', async () => {
    const { ward, browser } = parts();
    const { page } = browser;
    await seedGate(ward);
    await page.goto('/console/gate?outcome=nonsense');
    await page.getByText('No verdict fits.').waitFor();
    await page.getByLabel('Verdict').selectOption('');
    await page.getByRole('cell', { name: 'deploy' }).first().waitFor();
    await browser.inspect('gate, as it is');
    await page.route('**/operator/verdicts?*', (route) => route.fulfill({ json: madeVerdicts }));
    await page.reload();
    await page.getByText('shop/web').waitFor();
    await browser.inspect('gate');
    await page.unrouteAll();
    await page.reload();
    await page.getByText('guest/vulnerable').first().waitFor();
    await page.getByRole('link', { name: 'Findings', exact: true }).click();
    await page.getByLabel('CVE, package or title').fill('cve-2021-23337');
    await page.keyboard.press('Enter');
    await page.getByText('1 finding in').waitFor();
    await page.getByText(script).waitFor();
    await browser.inspect('findings');
    await page.getByRole('table').getByRole('link').first().click();
    await page.getByRole('heading', { name: 'What to upgrade' }).waitFor();
    await page.getByText(script).waitFor();
    // Code that was deployed before the advisory was there has a verdict for its runs, too.
    await changeAnswer(page, /\/reports\/[^/]+\/verdict$/, (verdicts: readonly ShownVerdict[]) =>
      verdicts.filter(({ stage }) => stage === 'deploy'),
    );
    await page.getByText(script).waitFor();
    // Once, and whole.
    const revision = page.getByTitle('Copy the revision of the policy');
    expect(await revision.textContent()).toMatch(/^[0-9a-f]{64}$/);
    await browser.inspect('report');
    await page.unrouteAll();
    const saved = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download the SBOM' }).click();
    expect((await saved).suggestedFilename()).toMatch(/^sbom-[0-9a-f]{12}\.json$/);
    await page.goto('/console/gate/findings?in=licence&text=mit');
    await page.getByText('1 package in').waitFor();
    await page.getByRole('cell', { name: hostileLicence }).waitFor();
    expect(browser.problems).toEqual([]);
  });

  test('leads from a refused function to what was found, and lets it pass with a reason and an end', async () => {
    const { ward, browser } = parts();
    const { page } = browser;
    await page.goto('/console/new-function');
    await page.getByLabel('Name').fill('leaky');
    await page.getByRole('textbox', { name: 'Code' }).click();
    await page.keyboard.press('Control+a');
    await page.keyboard.press('Delete');
    await page.keyboard.type(`exports.main = () => ({ key: '${leakedKey}' })`);
    await page.getByRole('button', { name: 'Create' }).click();
    await page.getByRole('alert').getByText('DEPLOYMENT_REFUSED').waitFor();
    const report = page.getByRole('link', { name: 'What the gate found' });
    expect(await report.getAttribute('target')).toBe('_blank');
    await page.goto((await report.getAttribute('href')) ?? '');
    await page.getByRole('button', { name: 'Waive' }).first().click();
    await page.getByRole('textbox', { name: 'Reason' }).fill('no');
    await page.getByLabel('Last day').fill('2099-01-31');
    await page.getByRole('button', { name: 'Waive it' }).click();
    await page.getByRole('alert').getByText('WAIVER_INVALID').waitFor();
    await page.getByRole('textbox', { name: 'Reason' }).fill(`${script} ${foreignText}`);
    await browser.inspect('waive');
    await page.getByRole('button', { name: 'Waive it' }).click();
    await page.getByRole('region', { name: 'Waived' }).getByText(script).first().waitFor();
    await browser.inspect('report with a waiver');
    const deploy = () =>
      ward.request('PUT', '/api/v1/namespaces/_/actions/leaky?overwrite=true', {
        body: { exec: { kind: 'nodejs:default', code: `exports.main = () => ({ key: '${leakedKey}' })` } },
      });
    expect(await deploy()).toMatchObject({ status: 200 });

    await page.goto('/console/gate/waivers');
    await page.getByText(script).first().waitFor();
    await browser.inspect('waivers');
    await page.getByRole('button', { name: 'End the waiver' }).click();
    await page.getByRole('button', { name: 'End the waiver', exact: true }).click();
    await page.getByText('Nothing is waived here').waitFor();
    expect(await deploy()).toMatchObject({ status: 403 });
    await page.goto('/console/new-function');
    await page.getByRole('button', { name: 'Discard it' }).click();
    browser.forget(new RegExp(leaving));
    browser.forget(/^console: .* status of (400|403) /);
    expect(browser.problems).toEqual([]);
  });

  test('edits the policy, with what would change beside it, and loses no change of another', async () => {
    onlyOneMachine('changes the file of the policy, which a cluster has in its database');
    const { ward, browser } = parts();
    const { page } = browser;
    await page.goto('/console/gate/policy');
    const editor = page.getByRole('textbox', { name: 'The policy' });
    const type = async (text: string) => {
      await editor.click();
      await page.keyboard.press('Control+a');
      await page.keyboard.insertText(text);
    };
    await type(`form: 1\nrules: { "${script}": deny }\n`);
    await page.getByRole('list', { name: 'Problems' }).getByText(script).first().waitFor();
    await type('form: 1\nrules: { vulnerabilities: { limits: { low: 0 } }, secrets: { action: warn } }\n');
    await page.getByRole('cell', { name: 'secrets' }).first().waitFor();
    await browser.inspect('policy');
    await page.getByRole('button', { name: 'Put it in force…' }).click();
    const isWritten = page.waitForResponse((each) => each.request().method() === 'PUT');
    await page.getByRole('button', { name: 'Put it in force', exact: true }).click();
    expect((await isWritten).status()).toBe(200);
    await page.getByText('will be judged by the draft').waitFor();
    const { policy } = gatePaths(ward.dataDir);
    expect(await readFile(policy, 'utf8')).toContain('secrets: { action: warn }');
    const leaky = {
      exec: { kind: 'nodejs:default', code: `exports.main = () => ({ key: '${leakedKey}' })` },
    };
    const put = '/api/v1/namespaces/_/actions/leaky?overwrite=true';
    expect(await ward.request('PUT', put, { body: leaky })).toMatchObject({ status: 200 });

    await writeFile(policy, 'form: 1\n');
    await type('form: 1\nrules: { gaps: warn }\n');
    await page.getByRole('button', { name: 'Put it in force…' }).click();
    await page.getByRole('button', { name: 'Put it in force', exact: true }).click();
    await page.getByRole('alert').getByText('POLICY_CHANGED').waitFor();
    expect(await readFile(policy, 'utf8')).toBe('form: 1\n');
    await page.getByRole('button', { name: 'Cancel' }).click();

    // What was typed is there again, and overwrites nothing that came meanwhile.
    const note = page.getByText('Unsaved text of the policy, typed at');
    expect(await note.count()).toBe(0);
    const hostile = `form: 1\nrules: { gaps: warn } # ${script}\n`;
    await type(hostile);
    await page.getByRole('link', { name: 'Waivers', exact: true }).click();
    await page.getByRole('heading', { name: 'Waivers' }).waitFor();
    await page.goBack();
    await note.waitFor();
    await page.reload();
    expect(browser.problems).toContain(leaving);
    browser.forget(new RegExp(leaving));
    await page.getByText(`# ${script}`).waitFor();
    await page.getByText('The policy was changed since.').waitFor();
    await browser.inspect('policy, restored');
    await page.getByRole('button', { name: 'Put it in force…' }).click();
    await page.getByRole('button', { name: 'Put it in force', exact: true }).click();
    await page.getByRole('alert').getByText('POLICY_CHANGED').waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Read it again' }).click();
    await page.getByText('The policy was changed since.').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Put it in force…' }).click();
    await page.getByRole('button', { name: 'Put it in force', exact: true }).click();
    await page.getByText('will be judged by the draft').waitFor();
    expect(await readFile(policy, 'utf8')).toBe(hostile);
    expect(await note.count()).toBe(0);
    await type('form: 1\nrules: { gaps: deny }\n');
    await page.getByRole('link', { name: 'Waivers', exact: true }).click();
    await page.getByRole('heading', { name: 'Waivers' }).waitFor();
    await page.goBack();
    await page.getByRole('button', { name: 'Discard it' }).click();
    await note.waitFor({ state: 'detached' });
    // Without a question.
    await page.reload();
    await page.getByText(`# ${script}`).waitFor();
    await rm(policy);
    browser.forget(/^console: .* status of 409 /);
    expect(browser.problems).toEqual([]);
  });

  test('lists the VEX statements, what they silence, and a document that can’t be read', async () => {
    const { ward, browser } = parts();
    const { page } = browser;
    const { vex } = gatePaths(ward.dataDir);
    const statement = (name: string, product: string) => ({
      ...{ vulnerability: { name }, products: [{ '@id': product }], status: 'not_affected' },
      impact_statement: `${script} ${foreignText} ${'y'.repeat(250)}`,
    });
    await mkdir(vex, { recursive: true });
    await writeFile(
      join(vex, `${script.replaceAll('/', '')}.json`),
      JSON.stringify({
        ...{ '@context': 'https://openvex.dev/ns/v0.2.0', author: script, timestamp: '2026-01-01T00:00:00Z' },
        statements: [statement('CVE-2021-23337', 'pkg:npm/planted-package'), statement(script, 'no purl')],
      }),
    );
    await page.goto('/console/gate/waivers');
    await page.getByRole('link', { name: 'VEX', exact: true }).click();
    const becomes = (text: string) =>
      expect
        .poll(
          async () => {
            await page.getByRole('button', { name: 'Look again' }).click();
            return await page.getByText(text).count();
          },
          { timeout: 30_000, interval: 500 },
        )
        .toBeGreaterThan(0);
    await page.getByRole('heading', { name: 'VEX' }).waitFor();
    await becomes('2 statements');
    await page.getByText('none that Ward can read').waitFor();
    await page.getByText('files of the node that answered').waitFor();
    const silenced = page.getByRole('region', { name: 'Found' });
    await silenced.getByText('planted-package').first().waitFor();
    await silenced.getByText(`says ${script}`).waitFor();
    await writeFile(join(vex, 'broken.json'), `{"x": "${script}`);
    await becomes('A document can’t be read');
    await page.getByRole('alert').getByText('broken.json').waitFor();
    await browser.inspect('vex');
    const report = await silenced.getByRole('link').first().getAttribute('href');
    expect(report).toMatch(/^\/console\/gate\/report\/sha256/);
    await page.getByText('attested to an image are not listed here').waitFor();
    // As the verdict of an image says for which a signer vouches.
    const verdict = {
      ...{ namespace: 'guest', stage: 'deploy', outcome: 'allow', judgedAt: '2026-01-01T00:00:00Z' },
      ...{ summary: 'allowed', policyRevision: '1', reasons: [], ignored: [], expired: [] },
      vouchers: { signedBy: ['release'], attested: [`openvex by ${script}`] },
    };
    await page.route('**/reports/*/verdict', (route) =>
      route.fulfill({ json: [verdict, { ...verdict, stage: 'run' }] }),
    );
    await page.goto(report ?? '');
    await page.getByText(`openvex by ${script}`).waitFor();
    expect(await page.getByText('release', { exact: true }).count()).toBe(1);
    await page.unrouteAll();
    await rm(vex, { recursive: true });
    expect(browser.problems).toEqual([]);
  });

  test('shows the sources of the advisories, from the figure of the overview', async () => {
    const { ward, browser } = parts();
    const { page } = browser;
    await page.goto('/console/overview');
    await page.locator('dt:text-is("Advisories") + dd').getByRole('link').click();
    expect(page.url()).toBe(`${ward.url}/console/gate/advisories`);
    const sources = page.getByRole('region', { name: 'Sources of advisories' });
    await sources.waitFor();
    expect(await sources.getByRole('row').count()).toBe(2);
    const times = { importedAt: '2026-01-01T00:00:00Z', checkedAt: '2026-01-02T00:00:00Z' };
    const source = { source: `${script} ${longName}`, url: `https://a.example/${script}`, licence: script };
    await page.route('**/operator/advisories', (route) =>
      route.fulfill({
        json: {
          ...{ count: 5, ageSeconds: 90, failed: [source.source], warning: script },
          sources: [{ ...source, ...times, newest: 'never', records: 5, bad: 1 }],
        },
      }),
    );
    await page.reload();
    await sources.getByText(source.source).waitFor();
    await sources.getByText('failed', { exact: true }).waitFor();
    expect(await page.locator('main img').count()).toBe(0);
    await browser.inspect('advisories');
    await page.unrouteAll();
    expect(browser.problems).toEqual([]);
  });
}

/** Code with a vulnerable package, whose advisory is hostile. */
async function seedGate(ward: Ward): Promise<void> {
  const file = join(ward.dataDir, 'advisories.ndjson');
  await writeFile(file, JSON.stringify(advisory));
  const imported = await ward.cli(['advisories', 'import', file, '--data', ward.dataDir, '-q']);
  expect(imported).toMatchObject({ code: 0 });
  const planted = { name: 'planted-package', version: '1.0.0', license: hostileLicence };
  const code = await zip({
    'index.js': 'exports.main = () => ({})',
    'node_modules/planted-package/package.json': JSON.stringify(planted),
  });
  await ward.until(async () => {
    const { status } = await ward.deploy('vulnerable', code.toString('base64'), { exec: { binary: true } });
    return status === 403;
  });
}

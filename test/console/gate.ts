/** The pages of the gate: verdicts, findings, reports. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ConsoleBrowser } from '../browser.ts';
import type { Ward } from '../ward.ts';
import { zip } from '../zip.ts';
import { foreignText, script } from './hostile.ts';

interface Parts {
  readonly ward: Ward;
  readonly browser: ConsoleBrowser;
}

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
    await browser.inspect('gate');
    await page.getByRole('link', { name: 'Search findings' }).click();
    await page.getByLabel('CVE, package or title').fill('cve-2021-23337');
    await page.keyboard.press('Enter');
    await page.getByText('1 finding in').waitFor();
    await page.getByText(script).waitFor();
    await browser.inspect('findings');
    await page.getByRole('table').getByRole('link').first().click();
    await page.getByRole('heading', { name: 'What to upgrade' }).waitFor();
    await page.getByText(script).waitFor();
    await browser.inspect('report');
    const saved = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download the SBOM' }).click();
    expect((await saved).suggestedFilename()).toMatch(/^sbom-[0-9a-f]{12}\.json$/);
    expect(browser.problems).toEqual([]);
  });
}

/** Code with a vulnerable package, whose advisory is hostile. */
export async function seedGate(ward: Ward): Promise<void> {
  const file = join(ward.dataDir, 'advisories.ndjson');
  await writeFile(file, JSON.stringify(advisory));
  const imported = await ward.cli(['advisories', 'import', file, '--data', ward.dataDir, '-q']);
  expect(imported).toMatchObject({ code: 0 });
  const planted = { name: 'planted-package', version: '1.0.0' };
  const code = await zip({
    'index.js': 'exports.main = () => ({})',
    'node_modules/planted-package/package.json': JSON.stringify(planted),
  });
  await ward.until(async () => {
    await ward.deploy('vulnerable', code.toString('base64'), { exec: { binary: true } });
    const { body } = await ward.request('GET', '/ward/v1/findings?text=PLANTED-pack');
    return body.found.length > 0;
  });
}

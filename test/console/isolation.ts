/** The page of what keeps functions in. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { noteProve } from '../../src/server/platform/host-checks.ts';
import type { ConsoleBrowser } from '../browser.ts';
import { openStateOf } from '../engine-switch.ts';
import type { Ward } from '../ward.ts';
import { foreignText, longName, script } from './hostile.ts';

interface Parts {
  readonly ward: Ward;
  readonly browser: ConsoleBrowser;
}

/** @param parts a browser with the session of an operator */
export function isolationPage(parts: () => Parts): void {
  test('shows what sandboxes were refused, and what ward doctor saw', async () => {
    const { ward, browser } = parts();
    const { page } = browser;
    await page.goto('/console/isolation');
    await page.getByText('Nobody has looked yet').waitFor();
    await seedIsolation(ward);
    // It looks by itself.
    await page.getByText(script).first().waitFor();
    await page.reload();
    await page.getByText('something that the policy requires does not work').waitFor();
    await page.getByRole('cell', { name: 'EPERM at unshare' }).waitFor();
    await page.getByText('something got through').waitFor();
    await page
      .getByRole('region', { name: 'Runs of ward prove' })
      .getByText(`${script}: BLOCKED → ESCAPED`)
      .waitFor();
    await browser.inspect('isolation');
    // A run of another namespace has no page here.
    await addViolation(ward, 'whisk.system', 'b'.repeat(32));
    await page.getByRole('cell', { name: 'b'.repeat(32) }).waitFor();
    const links = page.getByRole('region', { name: 'Violations' }).locator('a.mono');
    expect(await links.allTextContents()).toEqual(['a'.repeat(32)]);
    await page.getByLabel('Only of this kind').fill('other');
    await page.getByText('No violation fits.').waitFor();

    // The figure of the overview counts the last hour, and its list has no others.
    await addViolation(ward, 'guest', 'c'.repeat(32), Date.now() - 2 * 3_600_000);
    await page.goto('/console/isolation');
    await page.getByRole('cell', { name: 'c'.repeat(32) }).waitFor();
    await page.goto('/console/overview');
    const figure = page.locator('dt:text-is("Refused in sandboxes") + dd').getByRole('link');
    const count = Number(await figure.textContent());
    await figure.click();
    expect(page.url()).toBe(`${ward.url}/console/isolation?since=hour`);
    const rows = page.getByRole('region', { name: 'Violations' }).getByRole('row');
    await rows.nth(1).waitFor();
    expect((await rows.count()) - 1).toBe(count);
    expect(await page.getByRole('cell', { name: 'c'.repeat(32) }).count()).toBe(0);
    expect(browser.problems).toEqual([]);
  });
}

/** Violations as hostile functions cause them, and a report of another host. */
async function seedIsolation(ward: Ward): Promise<void> {
  await addViolation(ward, 'guest', 'a'.repeat(32));
  const row = { vector: 'within containers', required: true, available: true, chosen: script };
  const note = {
    ...{
      at: Date.now() - 90_000,
      ok: false,
      kernel: '6.12.0',
      cgroups: 'version 2',
      runtimes: { crun: '1.21' },
    },
    rows: [
      { ...row, name: 'seccomp', proven: 'yes', evidence: 'EPERM at unshare' },
      { ...row, name: 'landlock', proven: 'no', evidence: '' },
    ],
    processes: [],
    advisories: [
      ...[
        { runtime: 'runc', version: '1.1', id: 'CVE-2024-21626', title: script, answer: '', refused: true },
      ],
    ],
    advice: [
      { setting: 'kernel.unprivileged_bpf_disabled', value: '0', recommended: '2', why: 'fewer ways' },
    ],
  };
  const proven = { at: Date.now() - 80_000, ok: true, kernel: '6.12.0', counts: { BLOCKED: 1 } };
  const technique = {
    name: script,
    vector: 'escape',
    title: foreignText,
    control: 'seccomp',
    detail: script,
  };
  for (const outcome of ['BLOCKED', 'ESCAPED'])
    await noteProve(ward.dataDir, {
      ...{ ...proven, ok: outcome === 'BLOCKED', runtime: { name: 'crun', version: '1.21' } },
      techniques: [{ ...technique, outcome }],
    });
  await writeFile(join(ward.dataDir, 'doctor.json'), JSON.stringify(note), { mode: 0o644 });
}

async function addViolation(
  { dataDir }: Ward,
  namespace: string,
  activationId: string,
  at = Date.now(),
): Promise<void> {
  await using store = await openStateOf(dataDir);
  const about = { namespace, at, action: `${namespace}/${longName}`, activationId };
  await store.violations.add({ ...about, kind: 'seccomp', detail: `${script} ${foreignText}` });
}

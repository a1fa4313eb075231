/** The page of domains. `test/web-actions.test.ts` proves names with a name server of its own. */
import { expect, test } from 'vitest';
import type { ConsoleBrowser } from '../browser.ts';
import type { Ward } from '../ward.ts';
import { script } from './hostile.ts';

interface Parts {
  readonly ward: Ward;
  readonly browser: ConsoleBrowser;
}

/** @param parts a browser with a session of a key */
export function domainPage(parts: () => Parts): void {
  test('claims a domain, shows the record that proves it, and gives it up', async () => {
    const { ward, browser } = parts();
    const { page } = browser;
    const name = `${'a'.repeat(60)}.${'b'.repeat(60)}.shop.invalid`;
    await page.goto('/console/domains');
    await page.getByText('No domains yet').waitFor();
    await page.getByRole('button', { name: 'Claim a domain…' }).click();
    await page.getByLabel('Domain', { exact: true }).fill(script);
    await page.getByRole('button', { name: 'Claim', exact: true }).click();
    await page.getByRole('alert').getByText('DOMAIN_INVALID').waitFor();
    await page.getByLabel('Domain', { exact: true }).fill(name);
    await page.getByRole('button', { name: 'Claim', exact: true }).click();
    await page.getByRole('heading', { name }).waitFor();
    const { body } = await ward.request('GET', `/ward/v1/domains/${name}`);
    expect(body).toMatchObject({ package: 'default', isProved: false });
    await page.getByRole('button', { name: body.challenge.value }).waitFor();
    await page.getByText('waits for its DNS record').waitFor();
    await browser.inspect('domains');
    // `test/acme.test.ts` has a real one.
    const tried = { triedAt: 1e12, failures: 1, error: 'no answer', nextTryAt: 3e12 };
    const certificate = { issuer: script, until: 4e12, ...tried };
    await page.route('**/ward/v1/domains', (route) =>
      route.fulfill({ json: [{ ...body, isProved: true, certificate }] }),
    );
    await page.reload();
    await page.getByText(`by ${script}`).waitFor();
    await page.getByText('no answer').waitFor();
    await page.getByText('Next order').waitFor();
    await page.unroute('**/ward/v1/domains');
    await page.reload();
    await page.getByRole('button', { name: `Give up ${name}` }).click();
    const giveUp = page.getByRole('button', { name: 'Give the domain up' });
    await page.getByLabel(`Type ${name} to confirm`).fill('other');
    expect(await giveUp.isDisabled()).toBe(true);
    await page.getByLabel(`Type ${name} to confirm`).fill(name);
    await giveUp.click();
    await page.getByText('No domains yet').waitFor();
    expect((await ward.request('GET', '/ward/v1/domains')).body).toEqual([]);
    // The refused name.
    browser.forget(/^console: .* status of 400 /);
    expect(browser.problems).toEqual([]);
  });
}

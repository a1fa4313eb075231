/** Many tabs of one browser, which has six connections to a server over HTTP/1.1. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import type { ConsoleBrowser } from '../browser.ts';
import type { Ward } from '../ward.ts';

interface Parts {
  readonly ward: Ward;
  readonly browser: ConsoleBrowser;
}

/** More than there are connections. */
const tabs = 8;

/** @param parts a browser with the sessions of a key and of an operator; `greet` can be called */
export function manyTabs(parts: () => Parts): void {
  test('goes on in many tabs: each that is seen has one stream, and is up to date when it is seen again', async () => {
    const { ward, browser } = parts();
    await using opened = new AsyncDisposableStack();
    const open = async (): Promise<Tab> => {
      const page = await browser.context.newPage();
      opened.defer(() => page.close());
      const tab = { page, streams: watchStreams(page) };
      await page.goto('/console/overview');
      await page.getByText('Live', { exact: true }).waitFor();
      await expect.poll(() => runsOf(tab)).toBeGreaterThan(0);
      return tab;
    };
    const first = await open();
    const seen = await runsOf(first);
    // Of the namespace and of all of Ward.
    await first.page.getByRole('region', { name: 'Calls of all namespaces' }).waitFor();
    expect(first.streams.size).toBe(1);
    await show(first, 'hidden');
    await expect.poll(() => first.streams.size).toBe(0);
    for (let at = 1; at < tabs; at++) await show(await open(), 'hidden');
    await ward.invoke('greet', { name: 'World' });
    const last = await open();
    await expect.poll(() => runsOf(last)).toBeGreaterThan(seen);
    expect(await runsOf(first)).toBe(seen);
    await show(first, 'visible');
    await expect.poll(() => runsOf(first)).toBeGreaterThan(seen);
    await first.page.getByText('Live', { exact: true }).waitFor();
    expect([first.streams.size, last.streams.size]).toEqual([1, 1]);
  });
}

interface Tab {
  readonly page: Page;
  /** Requests of streams that have not ended. */
  readonly streams: ReadonlySet<unknown>;
}

function watchStreams(page: Page): ReadonlySet<unknown> {
  const streams = new Set<unknown>();
  page.on('request', (request) => {
    if (new URL(request.url()).pathname.endsWith('/stream')) streams.add(request);
  });
  for (const end of ['requestfinished', 'requestfailed'] as const)
    page.on(end as 'requestfailed', (request) => void streams.delete(request));
  return streams;
}

/** Playwright makes each of its pages believe that it is seen. */
async function show({ page }: Tab, visibility: 'visible' | 'hidden'): Promise<void> {
  const value = JSON.stringify(visibility);
  await page.evaluate(
    `Object.defineProperty(document, 'visibilityState', { configurable: true, value: ${value} })`,
  );
  await page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`);
}

/** The number of runs that the overview shows. */
async function runsOf({ page }: Tab): Promise<number> {
  const [text] = await page.locator('dt:text-is("Runs kept") + dd').allTextContents();
  return Number(text?.replaceAll(',', '') ?? 0);
}

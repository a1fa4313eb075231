/** Many windows of one browser, which has six connections to a server over HTTP/1.1. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import type { ConsoleBrowser } from '../browser.ts';
import type { Ward } from '../ward.ts';

interface Parts {
  readonly ward: Ward;
  readonly browser: ConsoleBrowser;
}

/** More than there are connections. */
const windows = 8;

/** @param parts a browser with the sessions of a key and of an operator; `greet` can be called */
export function manyTabs(parts: () => Parts): void {
  test('goes on in many windows, which share one stream, and each is up to date when it is seen again', async () => {
    const { ward, browser } = parts();
    // It has no stream.
    await browser.page.goto('/console/account');
    await using opened = new AsyncDisposableStack();
    const open = async (): Promise<Window> => {
      const page = await browser.context.newPage();
      opened.defer(() => page.close());
      const opening = { page, streams: watchStreams(page) };
      await page.goto('/console/overview');
      await page.getByText('Live', { exact: true }).waitFor();
      await expect.poll(() => runsOf(opening)).toBeGreaterThan(0);
      return opening;
    };
    const first = await open();
    const seen = await runsOf(first);
    // Of the namespace and of all of Ward.
    await first.page.getByRole('region', { name: 'Calls of all namespaces' }).waitFor();
    expect(first.streams.size).toBe(1);
    const all = [first];
    while (all.length < windows) all.push(await open());
    const streams = () => all.map((each) => each.streams.size);
    const one = (at: number) => all.map((_, index) => (index === at ? 1 : 0));
    expect(streams()).toEqual(one(0));
    await ward.invoke('greet', { name: 'World' });
    for (const each of all) await expect.poll(() => runsOf(each)).toBeGreaterThan(seen);
    const before = await runsOf(first);
    await show(first, 'hidden');
    // The one that waits longest for it.
    await expect.poll(streams).toEqual(one(1));
    await ward.invoke('greet', { name: 'World' });
    for (const each of all.slice(1)) await expect.poll(() => runsOf(each)).toBeGreaterThan(before);
    expect(await runsOf(first)).toBe(before);
    await show(first, 'visible');
    await expect.poll(() => runsOf(first)).toBeGreaterThan(before);
    await first.page.getByText('Live', { exact: true }).waitFor();
    expect(streams()).toEqual(one(1));
  });
}

interface Window {
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
async function show({ page }: Window, visibility: 'visible' | 'hidden'): Promise<void> {
  const value = JSON.stringify(visibility);
  await page.evaluate(
    `Object.defineProperty(document, 'visibilityState', { configurable: true, value: ${value} })`,
  );
  await page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`);
}

/** The number of runs that the overview shows. */
async function runsOf({ page }: Window): Promise<number> {
  const [text] = await page.locator('dt:text-is("Runs kept") + dd').allTextContents();
  return Number(text?.replaceAll(',', '') ?? 0);
}

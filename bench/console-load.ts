/**
 * How long it takes from the navigation of a browser with an empty cache until a page of the console can be used, against a page
 * that is one file. A page can be used when what it is for has been drawn, and its thread has nothing left to do for it.
 */
import { createServer } from 'node:http';
import type { Page } from 'playwright-core';
import type { ConsoleBrowser } from '../test/browser.ts';
import { median, ms, type Row } from './table.ts';

const rounds = 15;
const mostMs = 1000;
const bareText = '<!doctype html><html lang="en"><title>Bare</title><h1>Bare</h1>';

interface First {
  readonly what: string;
  readonly url: string;
  /** Selector of what it is for. */
  readonly shows: string;
}

/** @param browser logged in */
export async function benchConsoleLoad(
  { context }: Pick<ConsoleBrowser, 'context'>,
  url: string,
): Promise<Row[]> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end(bareText);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the bare page has no port');
  const bare = { what: 'one file', url: `http://127.0.0.1:${address.port}/`, shows: 'h1' };
  const pages: readonly First[] = [
    { what: 'the overview', url: `${url}/console/overview`, shows: '.figures a' },
    { what: 'a list of 100,000 runs', url: `${url}/console/runs`, shows: '.rows-row a' },
  ];
  const times = new Map<First, number[]>([bare, ...pages].map((each) => [each, []]));
  for (let round = 0; round < rounds; round++)
    for (const [each, found] of times) {
      const page = await context.newPage();
      found.push(await timeToUse(page, each));
      await page.close();
    }
  server.close();
  const bareMs = median(times.get(bare) ?? []);
  return pages.map((each) => rowOf(each.what, median(times.get(each) ?? []), bareMs));
}

/** In milliseconds. */
async function timeToUse(page: Page, { url, shows }: First): Promise<number> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Network.clearBrowserCache');
  await page.addInitScript(`globalThis.usable = new Promise((resolve) => {
    const look = () => {
      if (document.querySelector(${JSON.stringify(shows)}) === null) requestAnimationFrame(look);
      else setTimeout(() => resolve(performance.now()));
    };
    look();
  })`);
  await page.goto(url, { waitUntil: 'commit' });
  return Number(await page.evaluate('globalThis.usable'));
}

function rowOf(what: string, ours: number, bare: number): Row {
  return {
    what: `from the navigation until ${what} can be used`,
    baseline: `one file ${ms(bare)}`,
    ward: ms(ours),
    result: `+ ${ms(ours - bare)}`,
    target: `≤ ${ms(mostMs)}`,
    isMet: ours <= mostMs,
  };
}

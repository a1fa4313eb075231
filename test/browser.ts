/**
 * A real browser that looks at the console of a real Ward. It collects what a page does wrong while it is used: errors,
 * violations of its policy, requests to other origins, and what axe finds. It also compares pictures of the pages.
 */
import axe from 'axe-core';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { createPictures, type Pictures, pictureArguments, pictureEnvironment } from './console/pictures.ts';

interface Looks {
  readonly name: string;
  readonly width: number;
  readonly scheme: 'light' | 'dark';
}

/** How each page is looked at. */
const looks: readonly Looks[] = [
  { name: 'wide, light', width: 1440, scheme: 'light' },
  { name: 'wide, dark', width: 1440, scheme: 'dark' },
  { name: 'narrow, light', width: 320, scheme: 'light' },
  { name: 'narrow, dark', width: 320, scheme: 'dark' },
];
const height = 900;
/** On both sides of each change of the layout, and as wide as screens are. */
const widths = [320, 760, 1024, 1101, 1280, 1440, 2560, 3840];

/** The problem of a page with something that would be lost. It is left nevertheless. */
export const leaving = 'the page asks before it is left';

export interface ConsoleBrowser extends AsyncDisposable {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What went wrong so far. */
  readonly problems: readonly string[];
  /** Takes back what a test has caused on purpose. */
  forget(problem: RegExp): void;
  /** Looks at the page as it is now in each of the looks, and adds what is wrong to the problems. */
  inspect(name: string): Promise<void>;
  /** Looks whether the page fits on screens of all widths. */
  fit(name: string): Promise<void>;
  readonly pictures: Pick<Pictures, 'differences'>;
}

/** @param url of Ward; a request to another one is a problem */
export async function openBrowser(url: string): Promise<ConsoleBrowser> {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    // The tests run as root.
    args: ['--no-sandbox', ...pictureArguments],
    env: { ...process.env, ...pictureEnvironment },
  });
  const context = await browser.newContext({
    ...{ baseURL: url, viewport: { width: 1440, height } },
    // Of an OpenID provider, whose authority the test made.
    ignoreHTTPSErrors: true,
  });
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: new URL(url).origin });
  // A first scan takes long on a busy machine.
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  const pictures = createPictures(page);
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(`error: ${error.message}`));
  // The policy's violations are errors of the console, too.
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(`console: ${message.text()}`);
  });
  page.on('dialog', (dialog) => {
    if (dialog.type() === 'beforeunload') {
      problems.push(leaving);
      return void dialog.accept();
    }
    problems.push(`a script opened a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    const asked = request.url();
    if (!asked.startsWith(`${url}/`) && !asked.startsWith('data:')) problems.push(`a request to ${asked}`);
  });
  return {
    page,
    context,
    pictures,
    problems,
    forget(problem) {
      for (let at = problems.length - 1; at >= 0; at--)
        if (problem.test(problems[at] ?? '')) problems.splice(at, 1);
    },
    async inspect(name) {
      for (const look of looks) {
        await page.emulateMedia({ colorScheme: look.scheme, reducedMotion: 'reduce' });
        await page.setViewportSize({ width: look.width, height });
        problems.push(...(await faultsOf(page, look)).map((fault) => `${name} (${look.name}): ${fault}`));
        await pictures.compare(name, look.name);
      }
      await page.setViewportSize({ width: 1440, height });
    },
    async fit(name) {
      for (const width of widths) {
        await page.setViewportSize({ width, height });
        problems.push(...(await overflowOf(page)).map((fault) => `${name} (${width} pixels): ${fault}`));
      }
      await page.setViewportSize({ width: 1440, height });
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

/**
 * @returns how many bytes the page has received so far, as they were sent: with headers, and compressed. A page that is
 * live loads some of it again, which does not count.
 */
export async function countBytes(page: Page): Promise<() => number> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Network.enable');
  const addresses = new Map<string, string>();
  const bytes = new Map<string, number>();
  devtools.on('Network.requestWillBeSent', ({ requestId, request }) => {
    addresses.set(requestId, `${request.method} ${request.url.replace(/since=\d+/, 'since=')}`);
  });
  devtools.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    const address = addresses.get(requestId) ?? requestId;
    if (!bytes.has(address)) bytes.set(address, encodedDataLength);
  });
  return () => [...bytes.values()].reduce((sum, each) => sum + each, 0);
}

/** In the dark, only colours differ. */
async function faultsOf(page: Page, { scheme }: Looks): Promise<readonly string[]> {
  // Evaluated by the browser's debugger, which the policy of the page does not concern.
  if (!(await page.evaluate('"axe" in globalThis'))) await page.evaluate(axe.source);
  const rules = scheme === 'dark' ? { runOnly: ['color-contrast'] } : {};
  const found = await page.evaluate(async (options) => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run(options);
    return violations.map(
      ({ id, nodes }) => `axe ${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`,
    );
  }, rules);
  return [...found, ...(await overflowOf(page))];
}

async function overflowOf(page: Page): Promise<readonly string[]> {
  const root = 'document.documentElement';
  const extra = Number(await page.evaluate(`${root}.scrollWidth - ${root}.clientWidth`));
  return extra > 0 ? [`it is ${extra} pixels wider than the screen`] : [];
}

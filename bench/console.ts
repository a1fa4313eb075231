/**
 * How soon the console can be used, and how smoothly its list of 100,000 runs scrolls, against a page that is as high and has
 * nothing in it. Both are drawn by the same browser, and take turns. Frames are late when other programs have the processors; the
 * processor time of the page's thread tells what the list itself needs.
 */
import type { Page } from 'playwright-core';
import { openBrowser } from '../test/browser.ts';
import { fillNamespace, namespace } from '../test/console/long-lists.ts';
import { Ward } from '../test/ward.ts';
import { benchConsoleLoad } from './console-load.ts';
import { median, ms, quantile, type Row } from './table.ts';

const runs = 100_000;
const rounds = 3;
const frames = 300;
/** Of the bare page's frames. */
const least = 0.95;
/** Of one frame of 60 a second. */
const frameMs = 1000 / 60;

/** What scrolls by how many pixels in each frame. */
const scrolls = {
  'by three rows a frame': () => 99,
  'from end to end': (height: number) => height / frames,
} as const satisfies Readonly<Record<string, (height: number) => number>>;

export async function benchConsole(): Promise<readonly Row[]> {
  await using ward = await Ward.start();
  const key = await ward.createNamespace(namespace);
  await fillNamespace(ward, key, { runs, functions: 1 });
  await using browser = await openBrowser(ward.url);
  const { page, context } = browser;
  await page.goto('/console/');
  await page.getByLabel('Key of your namespace').fill(key);
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
  await page.getByRole('link', { name: 'Runs' }).click();
  await page.getByText('100,000 runs', { exact: true }).waitFor();
  const bare = await context.newPage();
  const height = Number(await page.evaluate('document.documentElement.scrollHeight'));
  await bare.setContent(`<div style="height: ${height}px"></div>`);
  const busyMs = await threadClock(page);
  const rows = await benchConsoleLoad(browser, ward.url);
  for (const [how, stepOf] of Object.entries(scrolls)) {
    const gaps = { bare: [] as number[], ours: [] as number[] };
    const busy: number[] = [];
    for (let round = 0; round < rounds; round++) {
      gaps.bare.push(...(await gapsOf(bare, stepOf(height))));
      const before = await busyMs();
      gaps.ours.push(...(await gapsOf(page, stepOf(height))));
      busy.push(((await busyMs()) - before) / frames);
    }
    rows.push(framesRow(how, gaps.bare, gaps.ours), busyRow(how, median(busy)));
  }
  return rows;
}

/** @returns how many milliseconds the page's main thread has worked so far */
async function threadClock(page: Page): Promise<() => Promise<number>> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
  return async () => {
    const { metrics } = await devtools.send('Performance.getMetrics');
    return 1000 * (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN);
  };
}

/** Milliseconds between the frames of a page that scrolls from its top. */
async function gapsOf(page: Page, step: number): Promise<readonly number[]> {
  await page.bringToFront();
  return (await page.evaluate(`(async () => {
    const frame = () => new Promise(requestAnimationFrame);
    scrollTo(0, 0);
    await frame();
    const gaps = [];
    for (let at = 1, last = await frame(); at <= ${frames}; at++) {
      scrollTo(0, at * ${step});
      const now = await frame();
      gaps.push(now - last);
      last = now;
    }
    return gaps;
  })()`)) as readonly number[];
}

function framesRow(how: string, bare: readonly number[], ours: readonly number[]): Row {
  const text = (gaps: readonly number[]) =>
    `${perSecond(gaps).toFixed(0)} a second; p50 ${ms(median(gaps))}, p99 ${ms(quantile(gaps, 0.99))}`;
  const share = perSecond(ours) / perSecond(bare);
  return {
    what: `frames while a list of 100,000 runs scrolls ${how}`,
    baseline: `empty page ${text(bare)}`,
    ward: text(ours),
    result: `${(100 * share).toFixed(0)} %`,
    target: `≥ ${100 * least} %`,
    isMet: share >= least,
  };
}

function busyRow(how: string, busy: number): Row {
  return {
    what: `the page’s thread for a frame, ${how}`,
    baseline: `one of 60 frames a second ${ms(frameMs)}`,
    ward: ms(busy),
    result: `${((100 * busy) / frameMs).toFixed(0)} %`,
    target: '≤ 100 %',
    isMet: busy <= frameMs,
  };
}

function perSecond(gaps: readonly number[]): number {
  return (1000 * gaps.length) / gaps.reduce((sum, gap) => sum + gap, 0);
}

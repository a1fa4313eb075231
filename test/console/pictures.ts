/**
 * Pictures of the console's pages, compared with those in `pictures/`, so that a change of their looks is seen and wanted. To
 * store what a run sees: `WARD_PICTURES=store`.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pixelmatch from 'pixelmatch';
import type { CDPSession, Page } from 'playwright-core';
import { PNG } from 'pngjs';
import { encodePalette } from './palette-png.ts';
import { holdStill } from './still.ts';

export interface Pictures {
  /** Does nothing for a page that is not always the same. */
  compare(name: string, look: string): Promise<void>;
  /** The pictures that differ from the stored ones, or have none, and stored ones that were not compared. */
  differences(): Promise<readonly string[]>;
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** So that text is drawn in the same way on each machine. */
export const pictureArguments = ['--font-render-hinting=none', '--disable-lcd-text'];
export const pictureEnvironment = { FONTCONFIG_FILE: join(import.meta.dirname, 'fonts.conf') };

const folder = join(import.meta.dirname, 'pictures');
const isStoring = process.env['WARD_PICTURES'] === 'store';
/** All others show what depends on the order in which things happen. */
const stable: readonly string[] = [
  ...['login', 'choice of a namespace', 'account', 'components', 'palette', 'no such page'],
  ...['overview', 'calls of all namespaces', 'functions', 'new function', 'function, changed'],
  ...['runs', 'run', 'run of a sequence', 'errors', 'logs'],
  ...['triggers', 'trigger', 'trigger of an alarm', 'dead letters', 'domains'],
  ...['gate', 'findings', 'report', 'waivers', 'vex', 'policy', 'egress', 'isolation'],
  ...['namespaces', 'namespace', 'keys and members', 'usage', 'upkeep', 'nodes', 'audit'],
];
const usualLooks: readonly string[] = ['wide, light', 'wide, dark', 'narrow, dark'];
/** It has everything that pages are made of, so it is taken whole, and in each look. */
const wholePage = 'components';
/** Distance of two colours that look the same; 1 is that of black and white. */
const sameColour = 0.02;
/** In any square of this many pixels a side. Another version of the browser may draw a few in another way. */
const squareSide = 32;
const mostInSquare = 12;

export function createPictures(page: Page): Pictures {
  const seen = new Set<string>();
  const differences: string[] = [];
  let session: CDPSession | undefined;
  let left: string | undefined;
  const leave = async (file: string, pictures: Readonly<Record<string, Buffer>>) => {
    left ??= await mkdtemp(join(tmpdir(), 'ward-pictures-'));
    for (const [what, bytes] of Object.entries(pictures))
      await writeFile(join(left, file.replace(/png$/, `${what}.png`)), bytes);
    differences.push(`${file} differs: see ${left}`);
  };
  return {
    async compare(name, look) {
      if (!stable.includes(name) || !(usualLooks.includes(look) || name === wholePage)) return;
      session ??= await page.context().newCDPSession(page);
      const file = `${name} ${look}.png`.replaceAll(/[ ,]+/g, '-');
      seen.add(file);
      const now = await take(page, session, name === wholePage);
      const digest = createHash('sha256').update(now).digest('hex');
      const path = join(folder, file);
      const stored = await readFile(path).catch(() => undefined);
      // Of the picture that it was made of: most are the same to the byte, and need no decoding.
      if (stored?.includes(digest, 0, 'latin1')) return;
      const picture = PNG.sync.read(now);
      const difference = stored && differenceOf(PNG.sync.read(stored), picture);
      if (stored !== undefined && difference === undefined) return;
      if (isStoring) await writeFile(path, encodePalette(picture, digest));
      else if (stored === undefined || difference === undefined) differences.push(`${file} is not stored`);
      else await leave(file, { stored, now, difference });
    },
    async differences() {
      const unseen = (await readdir(folder)).filter((file) => !seen.has(file));
      return [...differences, ...unseen.map((file) => `${file} was not compared`)];
    },
  };
}

async function take(page: Page, session: CDPSession, isWhole: boolean): Promise<Buffer> {
  // Nothing is below the pointer.
  await page.mouse.move(0, 0);
  const thaw = await holdStill(page);
  const box = await page.evaluate<Box>("document.querySelector('main').getBoundingClientRect().toJSON()");
  const screen = page.viewportSize() ?? { width: 0, height: 0 };
  const clip = isWhole
    ? { x: 0, y: 0, width: screen.width, height: Math.ceil(box.y + box.height) }
    : { ...box, height: Math.min(box.y + box.height, screen.height) - box.y };
  const { data } = await session.send('Page.captureScreenshot', {
    ...{ format: 'png', optimizeForSpeed: true, captureBeyondViewport: isWhole },
    clip: { ...clip, scale: 1 },
  });
  await thaw();
  return Buffer.from(data, 'base64');
}

/** A picture that marks what differs, if much does. */
export function differenceOf(stored: PNG, now: PNG): Buffer | undefined {
  const { width, height } = now;
  const marked = new PNG({ width, height });
  if (stored.width !== width || stored.height !== height) return PNG.sync.write(marked);
  const most = pixelmatch(stored.data, now.data, marked.data, width, height, {
    threshold: sameColour,
    windowSize: squareSide,
  });
  return most > mostInSquare ? PNG.sync.write(marked) : undefined;
}

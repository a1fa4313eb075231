/** Each page with answers in which every text is hostile, wherever it is from. */
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import type { ConsoleBrowser } from '../browser.ts';
import { hostileText } from './hostile.ts';
import { answerWith, spoilAnswers } from './hostile-answers.ts';
import { type HostilePage, hostilePages, pagesWithoutAnswers } from './hostile-pages.ts';

/** Words that pages compare with their own. Ward takes only what is in its lists. */
const closed =
  /(^|\.)(class|engine|next|outcome|protocol|scope|severity|signature|stage|state|status|trigger)$|^alarm\.kind$/;

/** @param parts a browser with the sessions of a key and of an operator, and a Ward with runs that failed */
export function hostileSweep(parts: () => { readonly browser: ConsoleBrowser }): void {
  test('looks at all pages with hostile texts', async () => {
    const registry = await readFile('src/dashboard/web/pages/registry.ts', 'utf8');
    const registered = [...registry.matchAll(/path: '([^']+)'/g)].map(([, path = '']) => path);
    expect(registered.length).toBeGreaterThan(20);
    const known = [...hostilePages.map(({ path }) => path.replace(/\?.*/, '')), ...pagesWithoutAnswers];
    const isKnown = (path: string) => {
      const form = RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+')}$`);
      return known.some((each) => form.test(each));
    };
    expect(registered.filter((path) => !isKnown(path))).toEqual([]);
  });

  test('takes every text of every answer as text, shows what is invisible in it, and has room for it', async () => {
    const { browser } = parts();
    const { page } = browser;
    await page.goto('/console/account');
    await page.getByRole('heading', { name: 'Your login' }).waitFor();
    await spoilAnswers(page, { suffix: hostileText, closed: closed.source });
    for (const each of hostilePages) {
      await openPage(page, each);
      await expect.poll(() => fieldsOf(page), { message: each.path }).toEqual(each.shows.toSorted());
      expect(await faultsOf(page), each.path).toEqual([]);
      await browser.fit(`${each.path}, with hostile texts`);
      await page.keyboard.press('Escape');
    }
    // Nobody wants what was typed.
    await page.evaluate('sessionStorage.clear()');
    // Without its answers.
    await page.goto('/console/account');
    expect(browser.problems).toEqual([]);
  });
}

/** Without a reload, which would bring other answers. */
async function openPage(page: Page, { path, answers, refused, open }: HostilePage): Promise<void> {
  await answerWith(page, answers ?? {}, refused);
  const link = JSON.stringify(`/console/${path}`);
  await page.evaluate(`history.pushState(null, '', ${link}); dispatchEvent(new PopStateEvent('popstate'))`);
  await open?.(page);
}

/** Of the answers, whose texts the page shows. */
async function fieldsOf(page: Page): Promise<readonly string[]> {
  const text = await page.evaluate<string>('document.body.textContent');
  return [...new Set(Array.from(text.matchAll(/«([^»]+)»/g), ([, field = '']) => field))].sort();
}

/** What became an element, what is invisible, and tables for which the page has no room. */
async function faultsOf(page: Page): Promise<readonly string[]> {
  return await page.evaluate<readonly string[]>(`(() => {
    const all = (what) => [...document.querySelectorAll(what)];
    const unseen = /[^\\P{Cc}\\n\\t]|[\\u202a-\\u202e\\u2066-\\u2069]/u;
    return [
      ...all('#app :is(img, script, iframe, object, embed)').map((each) => each.outerHTML),
      ...(unseen.test(document.body.textContent) ? ['it has invisible characters'] : []),
      ...all('.table')
        .filter((table) => table.scrollWidth > table.clientWidth)
        .map((table) => table.ariaLabel + ' is ' + table.scrollWidth + ' pixels wide'),
    ];
  })()`);
}

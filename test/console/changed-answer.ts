/** Pages with another answer than this Ward gives, where that one is not always the same. */
import type { Page } from 'playwright-core';

/** Loads the page again, with a changed answer in place of the one that Ward gives it. `page.unrouteAll` takes that back. */
export async function changeAnswer<T>(page: Page, url: RegExp, change: (answer: T) => T): Promise<void> {
  // A request that Playwright makes itself would not be one of the console.
  const answered = page.waitForResponse((each) => url.test(each.url()));
  await page.reload();
  const json = change(await (await answered).json());
  await page.route(url, (route) => route.fulfill({ json }));
  await page.reload();
}

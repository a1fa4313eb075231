/**
 * Answers of the API as hostile tenants, images, issuers and nodes would like them: each text in them says where it is from, and
 * then is as hostile as a text can be.
 */
import type { Page } from 'playwright-core';

/** What the API answers instead, by the ends of its paths. */
export type Answers = Readonly<Record<string, unknown>>;

interface Spoiler {
  /** At the end of each text, after the mark that says where it is from: `«nodes.name»`. */
  readonly suffix: string;
  /** Fields of which Ward takes only what is in a list of its own, as a regular expression over their paths. */
  readonly closed: string;
}

/** For all answers that the page gets until it is left. */
export async function spoilAnswers(page: Page, spoiler: Spoiler): Promise<void> {
  await page.evaluate(spoil, spoiler);
}

/** @param refused the end of the path of a request that fails */
export async function answerWith(page: Page, answers: Answers, refused = 'none'): Promise<void> {
  await page.evaluate((given) => void Object.assign(globalThis, given), { answers, refused });
}

/** Runs in the page. Streams, and what tells who is logged in, stay as they are. */
function spoil({ suffix, closed }: Spoiler): void {
  const real = globalThis.fetch;
  const isClosed = new RegExp(closed);
  /** Ids, digests and times. */
  const isForm = /^(?:(?:sha256:)?[0-9a-f-]{32,}|\d{4}-\d\d-\d\d(?:T[\d:.]+Z)?)$/;
  const spoiledText = (text: string, path: string): string => {
    // The log of a firing.
    if (text.startsWith('{"')) return JSON.stringify(spoiled(JSON.parse(text), path));
    return isClosed.test(path) || isForm.test(text) ? text : `${text}«${path}»${suffix}`;
  };
  const spoiled = (value: unknown, path: string): unknown => {
    if (typeof value === 'string') return spoiledText(value, path);
    // A few of a list are enough. Of one that comes in pages, the page knows how many there are.
    if (Array.isArray(value))
      return value.slice(0, path === '' ? undefined : 20).map((each) => spoiled(each, path));
    if (typeof value !== 'object' || value === null) return value;
    const { key } = value as { readonly key?: unknown };
    // One of OpenWhisk's lists of keys and values.
    if (typeof key === 'string' && 'value' in value)
      return { key, value: spoiled(value.value, `${path}.${key}`) };
    const below = (name: string) => (path === '' ? name : `${path}.${name}`);
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [name, spoiled(each, below(name))]),
    );
  };
  globalThis.fetch = async (input, init) => {
    const { pathname } = new URL(String(input), 'http://ward');
    const { answers, refused } = globalThis as unknown as { answers: Answers; refused: string };
    if (pathname.endsWith(refused))
      return Response.json(spoiled({ error: '', hint: '', code: '' }, ''), { status: 400 });
    const given = Object.keys(answers).find((end) => pathname.endsWith(end));
    if (given !== undefined) return Response.json(spoiled(answers[given], ''));
    const response = await real(input, init);
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    if (!isJson || pathname.endsWith('/session')) return response;
    return Response.json(spoiled(await response.json(), ''), response);
  };
}

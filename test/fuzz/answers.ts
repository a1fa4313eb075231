/** Checks that an answer is acceptable for every request. */
import type { Answered, Ask, Target } from './target.ts';

/**
 * The documented answers of 500 and above (docs/api.md). A failure of an action is a 502 of a call (with its
 * activation's id), of a web action or of an API. A 503 says what this server lacks now.
 */
function isDocumented(route: string, { status, headers }: Answered, text: string): boolean {
  if (status === 502)
    return headers['x-openwhisk-activation-id'] !== undefined || /\/(web|apis)\//.test(route);
  return (
    status === 503 &&
    /^\{"(error":"(Too many |The action needs|The server )|errors":\[\{"code":"UNAVAILABLE)/.test(text)
  );
}

/** @throws Error that says what is wrong with the answer */
export function checkAnswer(route: string, ask: Ask, answer: Answered, inside: Target['inside']): void {
  const { status, headers, body } = answer;
  const text = body.toString();
  if (status >= 500 && !isDocumented(route, answer, text)) throw new Error(`${status} ${text.slice(0, 200)}`);
  const told = inside.find((secret) => text.includes(secret) && !String(ask.body ?? '').includes(secret));
  if (told !== undefined) throw new Error(`the answer contains ${told}: ${text.slice(0, 200)}`);
  if (/\n\s+at .*\.ts:\d+/.test(text)) throw new Error(`the answer has a stack trace: ${text.slice(0, 300)}`);
  if (status < 400 || ask.method === 'HEAD' || body.length === 0 || !isJson(headers['content-type'])) return;
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null)
    throw new Error(`an error that is not an object: ${text.slice(0, 200)}`);
}

function isJson(type: string | undefined): boolean {
  return type?.startsWith('application/json') ?? false;
}

/** What an answer may be, whatever was asked. */
import type { Answered, Ask, Target } from './target.ts';

/**
 * The answers of 500 and above that are documented (docs/api.md): an action's own failure is a 502 of a call (with its
 * activation's id) or of a web action and an API; 503 says that there is no room, and comes back.
 */
function isDocumented(route: string, { status, headers }: Answered, text: string): boolean {
  if (status === 502)
    return headers['x-openwhisk-activation-id'] !== undefined || /\/(web|apis)\//.test(route);
  return (
    status === 503 &&
    /^\{"(error":"(Too many |The action needs|The server )|errors":\[\{"code":"UNAVAILABLE)/.test(text)
  );
}

/** @throws what is wrong with it */
export function checkAnswer(route: string, ask: Ask, answer: Answered, inside: Target['inside']): void {
  const { status, headers, body } = answer;
  const text = body.toString();
  if (status >= 500 && !isDocumented(route, answer, text)) throw new Error(`${status} ${text.slice(0, 200)}`);
  const told = inside.find((secret) => text.includes(secret) && !String(ask.body ?? '').includes(secret));
  if (told !== undefined) throw new Error(`the answer tells of ${told}: ${text.slice(0, 200)}`);
  if (/\n\s+at .*\.ts:\d+/.test(text)) throw new Error(`the answer has a stack trace: ${text.slice(0, 300)}`);
  if (status < 400 || ask.method === 'HEAD' || body.length === 0 || !isJson(headers['content-type'])) return;
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null)
    throw new Error(`an error that is not an object: ${text.slice(0, 200)}`);
}

function isJson(type: string | undefined): boolean {
  return type?.startsWith('application/json') ?? false;
}

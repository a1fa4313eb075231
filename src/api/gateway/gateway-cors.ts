/**
 * CORS as OpenWhisk's gateway has it: an API that enables it is open to every origin, whatever its actions say; one
 * that disables it shows nothing of theirs. Unlike there, whether a browser may send cookies along is the action's to
 * say.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { WebAnswer } from '../web/answer.ts';

const methods = 'GET, POST, PUT, DELETE, PATCH, HEAD, OPTIONS';

/** @param enabled undefined: what the action says stays */
export function corsOf(
  enabled: boolean | undefined,
  request: IncomingHttpHeaders,
): (answer: WebAnswer) => WebAnswer {
  if (enabled === undefined) return (answer) => answer;
  return (answer) => {
    if (!enabled) {
      const others = Object.entries(answer.headers).filter(([name]) => !name.startsWith('access-control-'));
      return { ...answer, headers: Object.fromEntries(others) };
    }
    const headers = {
      'access-control-allow-origin': request.origin ?? '*',
      'access-control-allow-methods': methods,
    };
    return { ...answer, headers: { ...answer.headers, ...headers } };
  };
}

export function preflight(request: IncomingHttpHeaders): WebAnswer {
  const wanted = request['access-control-request-headers'];
  const headers = wanted === undefined ? {} : { 'access-control-allow-headers': wanted };
  return { status: 200, headers, body: undefined };
}

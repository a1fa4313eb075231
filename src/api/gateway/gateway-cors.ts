/**
 * CORS as in OpenWhisk's gateway: an API that enables it is open to every origin, whatever its actions say; one that disables
 * it removes their CORS headers. Unlike in OpenWhisk, the action decides whether a browser may send cookies.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { WebAnswer } from '../web/answer.ts';

const methods = 'GET, POST, PUT, DELETE, PATCH, HEAD, OPTIONS';

/** @param enabled undefined to keep the action's headers */
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

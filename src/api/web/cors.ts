/** Tells browsers that any page may call a web action, with any headers. */
import type { IncomingHttpHeaders } from 'node:http';
import type { AnswerHeaders } from './answer.ts';

const usualHeaders = 'Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent';

export function corsHeaders(request: IncomingHttpHeaders): AnswerHeaders {
  return {
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'OPTIONS, GET, DELETE, POST, PUT, HEAD, PATCH',
    'access-control-allow-headers': request['access-control-request-headers'] ?? usualHeaders,
  };
}

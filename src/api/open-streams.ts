/**
 * Limits the event streams that a namespace has open at the same time, and those of all operators together. A stream
 * lasts for minutes, and Ward closes none to make room for a connection. A client that opened any number of them would lock
 * out everyone else. Protocols and connections don't matter, only who asked.
 */
import type { FastifyInstance, preHandlerHookHandler } from 'fastify';
import { apiFault } from './faults.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its answer is server-sent events. */
    isStream?: true;
  }
}

const retryAfterMs = 5000;
/** No namespace has this name. */
const operators = '';

/** Call it before adding routes. */
export function limitStreams(app: FastifyInstance, most: number): void {
  const open = new Map<string, number>();
  const take: preHandlerHookHandler = ({ identity }, { raw }, done) => {
    const holder = identity?.namespace ?? operators;
    const count = open.get(holder) ?? 0;
    if (count >= most) return done(exceeded(holder, most));
    // A client that has left closes nothing any more.
    if (!raw.destroyed) {
      open.set(holder, count + 1);
      raw.once('close', () => {
        const left = (open.get(holder) ?? 0) - 1;
        if (left > 0) open.set(holder, left);
        else open.delete(holder);
      });
    }
    done();
  };
  // Only these routes pay for it.
  app.addHook('onRoute', (route) => {
    if (route.config?.isStream === true) route.preHandler = [route.preHandler ?? [], take].flat();
  });
}

function exceeded(holder: string, most: number) {
  const who = holder === operators ? 'Operators have' : 'The namespace has';
  return apiFault('STREAMS_EXCEEDED', `${who} ${most} event streams open, and may have no more.`, {
    hint: 'Close streams that nobody reads, and try again after the time in `Retry-After`.',
    retryAfterMs,
  });
}

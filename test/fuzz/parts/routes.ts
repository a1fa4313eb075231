/** Attacks every route in the server's own table, so that new routes need no entry here. */
import fc from 'fast-check';
import { checkAnswer } from '../answers.ts';
import { shownBytes } from '../hostile.ts';
import { requestsFor } from '../requests.ts';
import { serverPart } from '../server-part.ts';
import type { Ask, Route, Target } from '../target.ts';
import type { Probe } from '../types.ts';

export const routes = serverPart({
  name: 'routes',
  share: 33_800,
  lanes: 12,
  async against(target) {
    const seen = new Map<string, number[]>();
    const all = target.routes.map((route) =>
      requestsFor(route, target).map((ask) => probeOf(route, ask, target, seen)),
    );
    if (all.length < 50) throw new Error(`only ${all.length} routes`);
    return { probes: fc.oneof(...all), check: () => checkReach(seen, target.routes) };
  },
});

function probeOf(route: Route, ask: Ask, target: Target, seen: Map<string, number[]>): Probe {
  const name = `${route.method} ${route.url}`;
  return {
    target: name,
    shown: `${ask.method} ${ask.path} ${JSON.stringify({ ...ask.headers, authorization: '…' })} ${shownBytes(ask.body ?? Buffer.alloc(0))}`,
    async run() {
      const answer = await target.ask(ask);
      seen.set(name, [...(seen.get(name) ?? []).slice(-100), answer.status]);
      checkAnswer(route.url, ask, answer, target.inside);
    },
  };
}

/** @throws Error when too few inputs got past the first checks: such an attack proves little */
function checkReach(seen: ReadonlyMap<string, readonly number[]>, all: readonly Route[]): void {
  const statuses = [...seen.values()].flat();
  if (statuses.length < all.length * 20) return;
  const missed = all.filter(({ method, url }) => !seen.has(`${method} ${url}`));
  if (missed.length > 0)
    throw new Error(`never asked: ${missed.map(({ method, url }) => `${method} ${url}`).join(', ')}`);
  const share = statuses.filter((status) => status >= 200 && status < 300).length / statuses.length;
  if (share < 0.02) throw new Error(`only ${(share * 100).toFixed(1)} % of the inputs were accepted`);
}

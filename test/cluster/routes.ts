/**
 * The ways between the servers of NATS: a proxy for each direction of each pair, so that the servers can be split into
 * parts without touching the network.
 */
import type { OpenRoutes } from '../../src/bus/nats-server.fixture.ts';
import { type Link, type LinkState, openLink } from './links.ts';

interface Way {
  readonly from: number;
  readonly to: number;
  readonly link: Link;
}

export class Routes implements Disposable {
  readonly #ways: Way[] = [];

  /** For `startNats`. */
  readonly open: OpenRoutes = async (ports) => {
    for (const [to, port] of ports.entries())
      for (const from of ports.keys())
        if (from !== to) this.#ways.push({ from, to, link: await openLink(() => ({ port })) });
    return (from, to) => this.#ways.find((way) => way.from === from && way.to === to)?.link.port ?? 0;
  };

  /** Whether each two servers are connected, in one direction at least. */
  get areWhole(): boolean {
    return this.#ways.every(
      ({ from, to, link }) =>
        link.isUsed || this.#ways.some((way) => way.from === to && way.to === from && way.link.isUsed),
    );
  }

  /** Sets the ways between the servers of this part and all others. */
  set(state: LinkState, part: readonly number[]): void {
    for (const { from, to, link } of this.#ways)
      if (part.includes(from) !== part.includes(to)) link.set(state);
  }

  [Symbol.dispose](): void {
    for (const { link } of this.#ways) link.close();
  }
}

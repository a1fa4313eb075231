/** A developer who changes an action again and again, and calls it on another node. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Ward } from '../ward.ts';

/** Time by which a change has arrived everywhere, however busy the machine is. */
const arrivalMs = 240_000;
const betweenMs = 300;

export class Deploys {
  readonly complaints: string[] = [];
  /** Number of changes that were answered 200, and seen on another node. */
  seen = 0;
  readonly #ward: () => Ward;
  readonly #client: Promise<void>;
  #isOver = false;

  /** @param ward chooses a node */
  constructor(ward: () => Ward) {
    this.#ward = ward;
    this.#client = this.#goOn();
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#client;
  }

  async #goOn(): Promise<void> {
    for (let version = 1; !this.#isOver; version++) {
      const code = `const main = () => ({ version: ${version} })`;
      const deployed = await attempt(() => this.#ward().deploy('fresh', code));
      if (deployed?.status === 500) this.complaints.push(`a deployment got ${JSON.stringify(deployed.body)}`);
      if (deployed?.status === 200) await this.#untilSeen(version);
      await pause(betweenMs);
    }
  }

  async #untilSeen(version: number): Promise<void> {
    const deadline = performance.now() + arrivalMs;
    let last: unknown;
    while (performance.now() < deadline) {
      const answer = await attempt(() => this.#ward().invoke('fresh'));
      last = answer?.body?.response?.result ?? answer?.body;
      if (answer?.body?.response?.result?.version === version) {
        this.seen++;
        return;
      }
      if (this.#isOver) return;
      await pause(50);
    }
    this.complaints.push(`version ${version} was deployed, and never ran: ${JSON.stringify(last)}`);
  }
}

/** Undefined if the connection breaks. */
async function attempt<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof TypeError && /fetch failed|terminated/.test(error.message)) return undefined;
    throw error;
  }
}

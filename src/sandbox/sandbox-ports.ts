/** The ports of one sandbox: relays between Unix sockets of the host and the sandbox's loopback. */
import { join } from 'node:path';
import type { Cgroup } from './cgroup/types.ts';
import { sandboxFault } from './faults.ts';
import { startWayIn } from './loopback.ts';
import { makeRelayFolder, type RelayPlace } from './relay.ts';
import type { RuntimeDriver } from './runtime/types.ts';
import { startServing } from './served-port.ts';
import type { ServePort, WayIn } from './types.ts';

interface SandboxPortsOptions {
  readonly driver: Pick<RuntimeDriver, 'name' | 'ownsNetwork'>;
  readonly cgroup: Pick<Cgroup, 'pids' | 'add' | 'kill'>;
  /** A folder for this sandbox on the host. */
  readonly bundleDir: string;
  /** An id of its range that no process inside has. */
  readonly ownerId: number;
  /** The user that may connect to its ports; absent: root. */
  readonly userId?: number | undefined;
}

export class SandboxPorts {
  readonly #options: SandboxPortsOptions;
  readonly #hasEnded: () => boolean;
  readonly #relays: { end(): Promise<void> }[] = [];
  #isServing = false;

  /** @param hasEnded Whether the sandbox has ended: a relay that starts too late ends at once. */
  constructor(options: SandboxPortsOptions, hasEnded: () => boolean) {
    this.#options = options;
    this.#hasEnded = hasEnded;
  }

  /** Whether a relay of this sandbox is in its control group. */
  get isServing(): boolean {
    return this.#isServing;
  }

  async wayIn(port: number): Promise<WayIn> {
    const wayIn = await startWayIn(this.#place(`port-${port}`), port);
    this.#relays.push(wayIn);
    if (this.#hasEnded()) await wayIn.end();
    return wayIn;
  }

  folder(port: number): Promise<string> {
    return makeRelayFolder(this.#place(`served-${port}`), 'entered');
  }

  async serve({ port, connections }: Pick<ServePort, 'port' | 'connections'>): Promise<void> {
    const { cgroup } = this.#options;
    this.#isServing = true;
    const relay = await startServing(this.#place(`served-${port}`), { port, connections }, (pid) =>
      cgroup.add(pid),
    );
    this.#relays.push(relay);
    // If the sandbox went on, all later calls would find their connections refused. The kernel may have killed the
    // relay when memory ran out.
    void relay.ended.then(() => (this.#hasEnded() ? undefined : cgroup.kill().catch(() => {})));
    if (this.#hasEnded()) await relay.end();
  }

  /** Ends every relay. */
  async end(): Promise<void> {
    await Promise.all(this.#relays.map((relay) => relay.end()));
  }

  #place(folder: string): RelayPlace {
    refuseOwnNetwork(this.#options.driver);
    const { cgroup, bundleDir, ownerId, userId = 0 } = this.#options;
    return {
      pids: () => cgroup.pids(),
      hasEnded: this.#hasEnded,
      dir: join(bundleDir, folder),
      ownerId,
      userId,
    };
  }
}

/** @throws Fault PORT_UNREACHABLE */
export function refuseOwnNetwork(driver: Pick<RuntimeDriver, 'name' | 'ownsNetwork'>): void {
  if (!driver.ownsNetwork) return;
  throw sandboxFault('PORT_UNREACHABLE', `${driver.name} keeps the network of its sandboxes to itself`, {
    hint: 'run it under crun or runc',
  });
}

/**
 * Shares of the machine's network between namespaces. Packets of all sandboxes go through two devices, one in each
 * direction, where every namespace has a class of the kernel's HTB (`tc-htb(8)`). Namespaces that have something to
 * send get equal shares, no matter how many sandboxes and connections they have. The others get the bytes that one does
 * not use.
 */
import { addressesOf } from '../addresses.ts';
import { inNamespace, runNetworkProgram, unavailable } from '../programs.ts';

export interface Shares {
  /**
   * Adds a sandbox to a namespace. Resolves to its class, for `meta priority`.
   * @param bytesPerSecond Limit of all namespaces together, in each direction, from now on.
   * @throws Fault EGRESS_UNAVAILABLE
   */
  join(tenant: string, bytesPerSecond: number): Promise<string>;
  /** Sends a sandbox's packets through the classes; its devices must exist. @throws Fault EGRESS_UNAVAILABLE */
  lead(slot: number): Promise<void>;
  /** Removes a sandbox from a namespace. Never rejects. */
  leave(tenant: string): Promise<void>;
}

/** Towards the sandboxes, and away from them. */
const devices = { inwards: 'in0', outwards: 'out0' } as const;
const bothWays = Object.values(devices);
/** Queue of one namespace, in each direction. */
const queueBytes = 1024 * 1024;
/** The largest packet, so that each turn sends one. */
const quantum = 65_536;
/** The guaranteed rate of a class; the classes share the rest by turns. */
const floor = '8kbit';
const unlimited = '1tbit';
const mostClasses = 0xff_f0;

interface Share {
  readonly number: number;
  sandboxes: number;
  readonly made: Promise<void>;
}

/** @throws Fault EGRESS_UNAVAILABLE where the kernel lacks htb, ifb, u32 or mirred */
export async function openShares(namespace: string): Promise<Shares> {
  const run = (program: 'ip' | 'tc', lines: readonly string[]) =>
    runNetworkProgram(inNamespace(namespace, [program, '-batch', '-']), `${lines.join('\n')}\n`);
  await run(
    'ip',
    bothWays.map((device) => `link add ${device} up type ifb`),
  );
  await run(
    'tc',
    bothWays.flatMap((device) => [`qdisc add dev ${device} root handle 1: htb`, whole('add', device, 1)]),
  );
  const shares = new Map<string, Share>();
  const free: number[] = [];
  let [next, total] = [2, 1];
  const begin = (tenant: string): Share => {
    const number = free.shift() ?? next++;
    if (number > mostClasses)
      throw unavailable(`${mostClasses} namespaces have a way out, which is the limit`);
    const share = { number, sandboxes: 0, made: run('tc', classOf(number)) };
    shares.set(tenant, share);
    return share;
  };
  const end = async (tenant: string) => {
    const share = shares.get(tenant);
    if (share === undefined || --share.sandboxes > 0) return;
    shares.delete(tenant);
    await share.made.then(() => run('tc', removalOf(share.number))).catch(() => {});
    free.push(share.number);
  };
  return {
    async join(tenant, bytes) {
      const share = shares.get(tenant) ?? begin(tenant);
      share.sandboxes++;
      try {
        await share.made;
        const isNew = bytes !== total;
        total = bytes;
        if (isNew) {
          await run(
            'tc',
            bothWays.map((device) => whole('change', device, bytes)),
          );
        }
      } catch (error) {
        await end(tenant);
        throw error;
      }
      return `1:${share.number.toString(16)}`;
    },
    async lead(slot) {
      const { link, uplink } = addressesOf(slot);
      await run('tc', [...detour(link, devices.inwards), ...detour(uplink, devices.outwards)]);
    },
    leave: end,
  };
}

function whole(verb: 'add' | 'change', device: string, bytesPerSecond: number): string {
  const rate = `${bytesPerSecond}bps`;
  return `class ${verb} dev ${device} parent 1: classid 1:1 htb rate ${rate} ceil ${rate} burst 256k cburst 256k quantum ${quantum}`;
}

function classOf(number: number): string[] {
  const id = `1:${number.toString(16)}`;
  return bothWays.flatMap((device) => [
    `class add dev ${device} parent 1:1 classid ${id} htb rate ${floor} ceil ${unlimited} burst 128k cburst 128k quantum ${quantum}`,
    `qdisc add dev ${device} parent ${id} bfifo limit ${queueBytes}`,
  ]);
}

function removalOf(number: number): string[] {
  return bothWays.map((device) => `class del dev ${device} classid 1:${number.toString(16)}`);
}

function detour(device: string, over: string): string[] {
  return [
    `qdisc add dev ${device} clsact`,
    `filter add dev ${device} egress protocol all prio 1 u32 match u32 0 0 action mirred egress redirect dev ${over}`,
  ];
}

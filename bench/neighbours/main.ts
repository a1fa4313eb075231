/**
 * `npm run bench:neighbours`: how much a function notices of its neighbours. A client calls a victim and `/ping` at a
 * fixed rate, alone and then beside each attacker of another namespace. Alone and beside alternate, so that a slow
 * minute of the machine hits both.
 *
 *   npm run bench:neighbours              every attacker
 *   npm run bench:neighbours -- fork log  attackers whose name contains one of the words
 */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { mustRun } from '../../src/lib/index.ts';
import { enterIsolation, isIsolated } from '../../src/sandbox/index.ts';
import { Ward } from '../../test/ward.ts';
import { median, ms, quantile } from '../table.ts';
import { type Attacker, attackers } from './attackers.ts';
import type { ClientOptions, ClientResult } from './client.ts';

const perSecond = 40;
const rounds = 3;
const seconds = Number(process.env['BENCH_SECONDS'] ?? 6);
const client = fileURLToPath(new URL('./client.ts', import.meta.url));

if (!isIsolated()) {
  // Starts a session of its own, and so an autogroup: see `schedule`.
  const session = ['/usr/bin/setsid', '--wait'];
  enterIsolation([...session, process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2)]);
}

interface Calls {
  readonly victim: ClientResult;
  readonly pings: ClientResult;
}

interface Figures {
  readonly p50: number;
  readonly p99: number;
  readonly pingP99: number;
  readonly errors: number;
  readonly error: string | undefined;
}

interface Beside {
  readonly name: string;
  readonly alone: Figures;
  readonly beside: Figures;
}

const words = process.argv.slice(2).map((word) => word.toLowerCase());
const chosen = attackers.filter(
  ({ name }) => words.length === 0 || words.some((word) => name.toLowerCase().includes(word)),
);
console.log(
  '| attacker | p50 alone | p50 beside | p99 alone | p99 beside | ratio | /ping p99 | errors | met |',
);
console.log('|---|---|---|---|---|---|---|---|---|');
for (const attacker of chosen) {
  const result = await measure(attacker);
  print(result);
  if (missed(result).length > 0) process.exitCode = 1;
}

async function measure(attacker: Attacker): Promise<Beside> {
  const alone: Calls[] = [];
  const beside: Calls[] = [];
  for (let round = 0; round < rounds; round++) {
    // A new server each time: calls that an attacker has queued would go on in the next round.
    await using ward = await Ward.start({ logLevel: 'error' });
    await ward.raiseLimits();
    await ward.deploy('victim', 'exports.main = ({ name }) => ({ greeting: "Hello, " + name });');
    const auth = await ward.createNamespace('noisy', [
      '--invocations-per-minute',
      '1000000000',
      '--concurrent',
      '10000',
    ]);
    await attacker.deploy({ ward, auth, signal: AbortSignal.abort() });
    await callBoth(ward, 3);
    alone.push(await callBoth(ward, seconds));
    beside.push(await callBeside(attacker, ward, auth));
  }
  return { name: attacker.name, alone: figuresOf(alone), beside: figuresOf(beside) };
}

async function callBeside(attacker: Attacker, ward: Ward, auth: string): Promise<Calls> {
  const stop = new AbortController();
  const attacking = inBackground(() => attacker.run({ ward, auth, signal: stop.signal }));
  // The attacker needs these seconds to start.
  await callBoth(ward, 3);
  const calls = await callBoth(ward, seconds);
  stop.abort();
  await attacking;
  return calls;
}

/** Runs the attacker's client at idle priority: it would be on another machine, so it must not slow down the victim. */
async function inBackground(run: () => Promise<void>): Promise<void> {
  await schedule('--idle', 19);
  await run().finally(() => schedule('--other', 0));
}

/**
 * Sets the priority of all threads, because those of the garbage collector are busy too. Also sets the priority of the
 * group that the kernel makes for each session. The kernel weighs such a group as a whole (sched(7), "The autogroup
 * feature").
 */
async function schedule(policy: '--idle' | '--other', nice: number): Promise<void> {
  await mustRun(['chrt', policy, '--all-tasks', '--pid', '0', String(process.pid)]);
  const group = '/proc/self/autogroup';
  if (existsSync(group)) await writeFile(group, String(nice));
}

async function callBoth(ward: Ward, forSeconds: number): Promise<Calls> {
  const victim: ClientOptions = {
    url: `${ward.url}/api/v1/namespaces/_/actions/victim?blocking=true&result=true`,
    method: 'POST',
    body: '{"name":"World"}',
    headers: {
      authorization: `Basic ${Buffer.from(ward.auth).toString('base64')}`,
      'content-type': 'application/json',
    },
    perSecond,
    seconds: forSeconds,
  };
  const ping: ClientOptions = { url: `${ward.url}/ping`, method: 'GET', perSecond, seconds: forSeconds };
  // On a machine of its own the client would not wait for a processor, and that wait must not count as the victim's.
  const realtime = ['chrt', '--fifo', '1'];
  const output = await mustRun([...realtime, process.execPath, client, JSON.stringify([victim, ping])], {
    timeoutMs: (forSeconds + 120) * 1000,
  });
  const [victimCalls, pings] = JSON.parse(output) as readonly [ClientResult, ClientResult];
  return { victim: victimCalls, pings };
}

function figuresOf(rounds: readonly Calls[]): Figures {
  const latencies = rounds.flatMap(({ victim }) => victim.latenciesMs);
  const both = rounds.flatMap(({ victim, pings }) => [victim, pings]);
  return {
    p50: median(latencies),
    p99: quantile(latencies, 0.99),
    pingP99: quantile(
      rounds.flatMap(({ pings }) => pings.latenciesMs),
      0.99,
    ),
    errors: both.reduce((sum, { failed }) => sum + failed, 0),
    error: both.find(({ failure }) => failure !== undefined)?.failure,
  };
}

function missed({ alone, beside }: Beside): string[] {
  return [
    ...(beside.p99 > 2 * alone.p99 ? ['p99'] : []),
    ...(beside.pingP99 > 50 ? ['ping'] : []),
    ...(beside.errors > 0 ? [`errors (${beside.error})`] : []),
  ];
}

function print(row: Beside): void {
  const { name, alone, beside } = row;
  const ratio = `${(beside.p99 / alone.p99).toFixed(2)} ×`;
  const figures = [ms(alone.p50), ms(beside.p50), ms(alone.p99), ms(beside.p99), ratio, ms(beside.pingP99)];
  console.log(`| ${[name, ...figures, beside.errors, missed(row).join(', ') || 'yes'].join(' | ')} |`);
}

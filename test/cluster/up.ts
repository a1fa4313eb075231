/** `npm run cluster`: a whole cluster on this machine to try, until Ctrl-C. */
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../src/lib/free-ports.fixture.ts';
import { enterIsolation, isIsolated } from '../../src/sandbox/index.ts';
import { readFlags } from '../flags.ts';
import { Cluster, type NodePlan, type Role } from './cluster.ts';
import { openDoors, runInNetwork } from './doors.ts';
import { missingForCluster, startEngines } from './engines.ts';
import { hubAddress, type Line, type Network, openNetwork } from './network.ts';
import { obey, type Stage, verbs } from './orders.ts';

const natsServers = 3;
const most = 20;
const usage = `usage: npm run cluster -- [--nodes N] [--api N] [--invokers N] [--netns] [--help]

Starts PostgreSQL, three servers of NATS, an S3-compatible store (moto) and servers of Ward on this machine, prints how
to use them, and takes orders such as "kill node-2". Ctrl-C ends all of it and removes what it made.

  --nodes N     nodes that serve the API and run actions; 2 by default
  --api N       nodes that only serve the API; 1 by default
  --invokers N  nodes that only run actions; none by default
  --netns       a network namespace for each node, so that "cut node-2" takes it off the network

Three nodes that serve the API, and three that run its actions:

  npm run cluster -- --nodes 0 --api 3 --invokers 3`;

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const options = readOptions();
const self = [
  process.execPath,
  ...process.execArgv,
  fileURLToPath(import.meta.url),
  ...process.argv.slice(2),
];
if (process.getuid?.() === 0 && !isIsolated()) enterIsolation(self);
const missing = await missingForCluster();
if (missing !== undefined) refuse(missing);
// The process inside has a channel to the one outside.
const isInside = process.send !== undefined;
process.exitCode = options.netns && !isInside ? await runInNetwork(self) : await run();

async function run(): Promise<number> {
  const interrupted = new Promise<'interrupted'>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(name, () => resolve('interrupted'));
  });
  await using stack = new AsyncDisposableStack();
  try {
    const starting = start(stack);
    const stage = await Promise.race([starting, interrupted]);
    if (stage !== 'interrupted') {
      const input = takeOrders(stage);
      await interrupted;
      input.close();
    }
    console.log('\nending …');
    // What is only half started can be ended when it has started.
    await starting.catch(() => {});
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  }
}

async function start(stack: AsyncDisposableStack): Promise<Stage> {
  const network = options.netns ? stack.use(await openNetwork()) : undefined;
  const doors = options.netns ? stack.use(await openDoors()) : undefined;
  const address = network === undefined ? undefined : hubAddress;
  console.log('starting PostgreSQL, NATS and moto …');
  const engines = stack.use(await startEngines({ natsServers, address, detached: true }));
  console.log('starting Ward …');
  const lines = new Map<string, Line>();
  const plan = async (name: string, role: Role): Promise<NodePlan> => {
    const line = await addLine(name, network, lines);
    // The printed address must lead to it after a restart, too.
    const port = await freePort();
    return { name, role, settings: engines.settings, start: { ...line, port } };
  };
  const plans: NodePlan[] = [];
  for (let n = 1; n <= options.nodes; n++) plans.push(await plan(`node-${n}`, 'all'));
  for (let n = 1; n <= options.api; n++) plans.push(await plan(`api-${n}`, 'api'));
  for (let n = 1; n <= options.invokers; n++) plans.push(await plan(`invoker-${n}`, 'invoker'));
  const cluster = stack.use(await Cluster.start(plans));
  const stage = { cluster, engines, natsServers, lines };
  const listening = cluster.nodes.filter(({ role }) => role !== 'invoker');
  const urls = await Promise.all(listening.map(({ ward }) => doors?.to(ward.url) ?? ward.url));
  console.log(greeting(stage, urls));
  return stage;
}

async function addLine(
  name: string,
  network: Network | undefined,
  lines: Map<string, Line>,
): Promise<Line | undefined> {
  const line = await network?.addNode();
  if (line !== undefined) lines.set(name, line);
  return line;
}

function greeting({ cluster, engines, lines }: Stage, urls: readonly string[]): string {
  const { store, bus, blobs } = engines.settings;
  const nodes = cluster.nodes.map(({ name, role }, index) => {
    const where = lines.get(name)?.address ?? '';
    return `  ${name.padEnd(10)} ${`--role ${role}`.padEnd(14)} ${urls[index] ?? 'listens nowhere'} ${where}`.trimEnd();
  });
  const { auth, dataDir } = cluster.nodes[0]?.ward ?? {};
  // With --netns, PostgreSQL is out of reach from here.
  const asOperator = options.netns
    ? ''
    : `
As its operator:

  WARD_STORE='${store}' ward node list --data ${dataDir}
`;
  const words = Object.entries(verbs).map(([word, { what }]) => `  ${word.padEnd(8)} ${what}`);
  return `
  store      ${store}
  bus        ${bus}
  blobs      ${blobs}
${nodes.join('\n')}

Call it, in another terminal:

  export PATH="${join(checkout, 'node_modules/.bin')}:$PATH"
  export WARD_APIHOST=${urls[0]}
  export WARD_AUTH=${auth}
  ward action create hello "${join(checkout, 'examples/hello.js')}"
  WARD_APIHOST=${urls.at(-1)} ward action invoke hello --param name Ada --result
  wsk --apihost ${urls.at(-1)} --auth $WARD_AUTH action invoke hello --result
${asOperator}
Type here what to do to a node, to nats-1 … nats-${natsServers}, to postgres or to moto, such as "kill ${cluster.nodes.at(-1)?.name}":

${words.join('\n')}

ready. Ctrl-C ends all of it.`;
}

function takeOrders(stage: Stage) {
  const input = createInterface({ input: process.stdin });
  input.on('line', async (line) => {
    if (line.trim() === '') return;
    try {
      console.log(await obey(line, stage));
    } catch (error) {
      console.log(error instanceof Error ? error.message : error);
    }
  });
  return input;
}

function readOptions() {
  const values = readFlags(
    {
      options: {
        nodes: { type: 'string', default: '2' },
        api: { type: 'string', default: '1' },
        invokers: { type: 'string', default: '0' },
        netns: { type: 'boolean', default: false },
        help: { type: 'boolean' },
      },
    },
    usage,
  );
  if (values.help) {
    console.log(usage);
    process.exit(0);
  }
  const counts = { nodes: Number(values.nodes), api: Number(values.api), invokers: Number(values.invokers) };
  const isCount = (count: number) => Number.isInteger(count) && count >= 0 && count <= most;
  const canServe = counts.nodes > 0 || (counts.api > 0 && counts.invokers > 0);
  if (!Object.values(counts).every(isCount) || !canServe) refuse(usage);
  return { ...counts, netns: values.netns };
}

function refuse(why: string): never {
  console.error(why);
  process.exit(2);
}

/**
 * Proves egress with a sandbox that may reach one port of this host, opened for the probe. It must reach that port, and
 * neither the port beside it, nor private and metadata addresses, nor a name.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { defaultEgressLimits, grantEgress, parseEgress } from '../../egress/index.ts';
import type { SandboxPolicy } from '../policy.ts';
import type { LocalSandboxHost } from '../sandbox-host.ts';
import { runProgram } from './program.ts';
import type { ProbeFinding } from './types.ts';

interface Context {
  readonly host: LocalSandboxHost;
  readonly rootDir: string;
  readonly policy: SandboxPolicy;
}

const source = [
  'import json, socket, sys',
  'def reaches(place):',
  '  try:',
  '    with socket.create_connection(place, timeout=5) as s: return s.recv(9) == b"doctor"',
  '  except OSError: return False',
  'print(json.dumps([reaches(tuple(place)) for place in json.loads(sys.argv[1])]))',
].join('\n');

export async function proveEgress({ host, rootDir, policy }: Context): Promise<ProbeFinding> {
  const address = ownAddress();
  if (address === undefined) return { held: false, evidence: 'this host has no address but its loopback' };
  await using open = await listen(address);
  await using beside = await listen(address);
  const rules = parseEgress([{ cidr: address, ports: [open.port] }]);
  const grants = grantEgress(rules, { public: false, rules });
  const { stdout, stderr } = await runProgram({
    host,
    rootDir,
    policy: { ...policy, egress: { grants, limits: defaultEgressLimits, resolvers: undefined } },
    source,
    args: [
      JSON.stringify([
        [address, open.port],
        [address, beside.port],
        ['127.0.0.1', open.port],
        ['10.0.0.1', 80],
        ['169.254.169.254', 80],
        ['ward.invalid', open.port],
      ]),
    ],
  });
  const held = stdout.trim() === '[true, false, false, false, false, false]';
  return {
    held,
    evidence: held
      ? 'reached the one port that a rule names, but not the port beside it, loopback, private and metadata addresses, or a name'
      : `reached, of one allowed and five forbidden places: ${stdout.trim() || stderr.trim().slice(-300)}`,
  };
}

function ownAddress(): string | undefined {
  const addresses = Object.values(networkInterfaces()).flatMap((list = []) => list);
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
}

async function listen(address: string): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer((socket) => void socket.on('error', () => {}).end('doctor'));
  server.listen(0, address);
  await once(server, 'listening');
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : 0,
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

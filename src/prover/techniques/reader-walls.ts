/**
 * A scanner or unpacker that was taken over by the data it reads: a program with the same confinement as the real one
 * tries what it must not be able to do. Root is the control.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { confineUnpacker } from '../../images/index.ts';
import { makeTargets, tryAsRoot, tryAsTakenOver } from '../../keeper/index.ts';
import { scanId, type UserIds, unownedId } from '../../lib/index.ts';
import { confineScan } from '../../scanner/index.ts';
import type { Expectation, HostTechnique, Technique } from '../types.ts';
import { answerOf, type Trial } from './server-walls.ts';

interface Reader {
  readonly name: 'scan' | 'unpacker';
  readonly place: string;
  readonly as: UserIds;
  confine(as: UserIds): Promise<readonly string[]>;
}

type Attempt = readonly [attempt: string, title: string, reference: string, other?: Expectation];

const unowned = unownedId();
const scan: Reader = {
  ...{ name: 'scan', place: 'in a scan process', as: { uid: scanId, gid: scanId } },
  confine: (as) => confineScan(as),
};
const unpacker: Reader = {
  ...{ name: 'unpacker', place: 'in the unpacker', as: { uid: unowned, gid: unowned } },
  confine: confineUnpacker,
};

/** Attempts of `taken-over.pl`. */
const attempts: readonly Attempt[] = [
  ['namespace-user', 'create a user namespace to gain all capabilities in it', 'user_namespaces(7)'],
  ['network', 'connect to a port of the machine', 'connect(2)', 'ENETUNREACH'],
  ['socket', 'create a socket', 'socket(2)'],
  ['memory-file', 'create a file in memory to run it', 'memfd_create(2)'],
  ['shadow', 'read /etc/shadow', 'shadow(5)'],
  ['stranger-file', 'read another user’s file', 'path_resolution(7)'],
  ['shared-folder', 'write to a folder that is writable for all users', 'landlock(7)'],
  ['keeper-trace', 'trace the root process that started it', 'ptrace(2), PTRACE_SEIZE'],
  ['keeper-signal', 'send a signal to the root process that started it', 'kill(2)', 'ESRCH'],
  ['stranger-signal', 'send a signal to another user’s process', 'kill(2)', 'ESRCH'],
];
const child: Attempt = ['process', 'start a child', 'fork(2)'];

export const readerWallTechniques: readonly Technique[] = [
  ...techniquesIn(scan, [...attempts, child]),
  ...techniquesIn(unpacker, attempts),
];

function techniquesIn(reader: Reader, tried: readonly Attempt[]): readonly HostTechnique[] {
  /** One run of the program makes all attempts; kept for each run of the suite. */
  const trials = new WeakMap<object, Promise<Trial>>();
  return tried.map(([attempt, title, reference, other]) => ({
    ...{ vector: 'escape', control: 'reader-walls', reference },
    expects: ['EPERM', 'EACCES', ...(other === undefined ? [] : [other])],
    name: `${reader.name}-${attempt}`,
    title: `${reader.place}: ${title}`,
    run: async ({ host }) => {
      const trial = trials.get(host) ?? tryAll(reader);
      trials.set(host, trial);
      return answerOf(await trial, attempt);
    },
  }));
}

async function tryAll({ as, confine }: Reader): Promise<Trial> {
  await using targets = await makeTargets(as.uid);
  await using server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const words = await confine(as);
  const aims = { ...targets, port };
  return {
    asRoot: await tryAsRoot(aims),
    answers: await tryAsTakenOver(aims, (argv) => [...words, ...argv], targets.folder),
  };
}

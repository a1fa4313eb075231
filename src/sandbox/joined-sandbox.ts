/**
 * Joins the parts of a sandbox for the platform: the supervised sandbox, its streams, the host's half of its ports, and
 * the examiner of its counters.
 */
import { createExaminer } from './examiner.ts';
import { sandboxFault } from './faults.ts';
import { connectThrough } from './loopback.ts';
import type { SandboxPolicy } from './policy.ts';
import type { RuntimeStreams } from './runtime-process.ts';
import { openEntrance, type RelayEntrance } from './served-port.ts';
import type { Sandbox, ServedPort, ServePort, SupervisedSandbox } from './types.ts';
import type { Violation } from './violations.ts';

interface Joined {
  readonly policy: Pick<SandboxPolicy, 'memoryBytes' | 'pidsLimit'>;
  /** Gets each violation that its counters and its end show, before `exited` settles. */
  readonly onViolation: (violation: Violation) => void;
}

export function joinSandbox(
  supervised: SupervisedSandbox,
  streams: RuntimeStreams,
  { policy, onViolation }: Joined,
): Sandbox {
  const { id, hasEnded, checkPorts, destroy } = supervised;
  const { stdin, stdout, stderr, channel } = streams;
  // A sandbox may close its ends at any time; an unheard 'error' event would end Ward.
  for (const stream of [stdin, stdout, stderr, channel]) stream?.on('error', () => {});
  const entrances: RelayEntrance[] = [];
  const examiner = createExaminer({ refusals: supervised.refusals(), policy, onViolation });
  const exited = supervised.exited.then((exit) => {
    examiner.end(exit, supervised.usage());
    for (const entrance of entrances) entrance.close();
    return exit;
  });
  const assertAlive = () => {
    if (hasEnded()) throw sandboxFault('SANDBOX_ENDED', `sandbox ${id} has ended`);
  };
  const serve = async (served: ServePort): Promise<void> => {
    const entrance = await openEntrance(await supervised.portFolder(served.port), served);
    entrances.push(entrance);
    if (hasEnded()) entrance.close();
    await supervised.serve(served);
  };
  return {
    id,
    ...{ stdin, stdout, stderr, channel },
    exited,
    async freeze() {
      assertAlive();
      for (const entrance of entrances) entrance.shut();
      await supervised.freeze();
    },
    async thaw() {
      assertAlive();
      for (const entrance of entrances) entrance.reopen();
      await supervised.thaw();
    },
    usage: async () => supervised.usage(),
    cpuUsec: supervised.cpuUsec,
    standBack: supervised.standBack,
    examine() {
      supervised.hearKernel?.();
      examiner.examine();
    },
    refusalsTold: supervised.refusalsTold,
    openPort(port) {
      checkPorts();
      const wayIn = supervised.wayIn(port);
      // The error reaches the client that connects.
      wayIn.catch(() => {});
      return { connect: async () => connectThrough(await wayIn, hasEnded) };
    },
    servePort(served): ServedPort {
      checkPorts();
      const ready = serve(served);
      // The error reaches the caller that waits for it.
      ready.catch(() => {});
      return { ready };
    },
    destroy,
    [Symbol.asyncDispose]: destroy,
  };
}

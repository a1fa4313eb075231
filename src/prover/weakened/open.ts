/** Runs programs of the suite in sandboxes without some of the controls, where they must get through. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRun } from '../../lib/index.ts';
import {
  buildSpec,
  findLandlockLauncher,
  type LocalSandboxHost,
  openIdRanges,
  type SandboxPolicy,
} from '../../sandbox/index.ts';
import { openBareStart } from '../bare-start.ts';
import { hostFacts } from '../facts.ts';
import type { ProgramPlace } from '../program.ts';
import { makeDecoy } from './decoys.ts';
import { type Removal, withoutControls } from './removals.ts';

export interface WeakenedOptions {
  readonly host: LocalSandboxHost;
  /** The host's instance, which owns the control groups. */
  readonly instance: string;
  /** The host's folder in which ranges of ids are claimed. */
  readonly runDir: string;
  readonly policy: SandboxPolicy;
  readonly rootDir: string;
  readonly signal?: AbortSignal;
}

interface WeakenedPlace extends ProgramPlace {
  readonly host: LocalSandboxHost;
}

export interface Weakened extends AsyncDisposable {
  /** Starts sandboxes without these controls. Programs still get the facts of the full policy. */
  without(removed: readonly Removal[]): Promise<WeakenedPlace>;
}

export async function openWeakened(options: WeakenedOptions): Promise<Weakened> {
  const { host, instance, runDir, policy, rootDir, signal } = options;
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'ward-weakened-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o711);
  await mustRun(['mount', '-t', 'tmpfs', '-o', 'size=512m,mode=711', 'ward-weakened', folder]);
  stack.defer(() => mustRun(['umount', '--lazy', folder]).then(() => {}));
  const ids = stack.use(openIdRanges(join(runDir, 'uid-windows')));
  const range = ids.take();
  const decoyFile = await makeDecoy(folder);
  const { facts } = stack.use(await hostFacts(policy, host.features.arch));
  const runtime = await host.runtime('runc');
  const landlockLauncher = host.features.lsm.landlock ? await findLandlockLauncher(rootDir) : undefined;
  const opened = stack.move();
  return {
    async without(removed) {
      const bare = {
        host,
        instance,
        rootDir,
        folder,
        name: 'weakened',
        ids: { firstId: range.firstId, userId: range.firstId + policy.uid },
        hasTimeNamespace: !removed.includes('time-namespace'),
      };
      const start = await openBareStart(bare, (request, place) => {
        const spec = buildSpec({
          ...request,
          ...place,
          host: host.features,
          runtime: runtime ?? { name: 'runc', path: '', version: '', packageFixes: [], ...nothingSpecial },
          codeDir: undefined,
          deviceDir: undefined,
          firstId: range.firstId,
          landlockLauncher,
          network: undefined,
        });
        return withoutControls(spec, removed, { facts, decoyFile, neighbourPid: place.neighbourPid });
      });
      // A limit that even a busy machine exceeds.
      const told = removed.includes('cpu-limit') ? { ...policy, cpus: 0.02 } : policy;
      return {
        ...{ host, start, policy: told, rootDir, facts },
        ...(signal === undefined ? {} : { signal }),
      };
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
const nothingSpecial = { procSubset: false, timeNamespace: false, containerLabel: false };

/**
 * Runs buildah, which executes a Dockerfile. It writes only to a folder of its own, and ignores the machine's
 * configuration. It can't fetch images: it has only those that were loaded before. The build runs in mount, pid, ipc
 * and uts namespaces that end with it; and, unless the caller asks for the network, in an empty network namespace of
 * its own.
 */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type CommandResult, runCommand, startCommand } from '../../lib/index.ts';
import { imageFault } from '../faults.ts';

export interface Buildah {
  /** Loads the only image of an OCI layout into its storage, as `name`. */
  load(layoutDir: string, name: string): Promise<void>;
  /** Executes a Dockerfile. The result is in its storage as `name`. */
  build(options: BuildahBuild): Promise<void>;
  /** Writes an image to a folder in the format `dir:` of containers-transports(5). */
  save(name: string, dir: string): Promise<void>;
}

export interface BuildahBuild {
  readonly name: string;
  readonly dockerfile: string;
  readonly context: string;
  readonly ignoreFile: string;
  readonly buildArgs: readonly string[];
  readonly hasNetwork: boolean;
  /** The date of everything that it makes, in epoch seconds. */
  readonly epoch: number;
  /** Replaces internal names of images in a line of output by those that the user knows. */
  readonly rename: (line: string) => string;
  readonly progress: (line: string) => void;
  /** Images of the store that have a shell, for the error of a `RUN` that finds none. */
  readonly shellImages: readonly string[];
}

/** Tag of the only image in a layout that is loaded. */
export const onlyTag = 'image';

const stepTimeoutMs = 600_000;
const buildTimeoutMs = 3_600_000;
const keptLines = 40;
const shownLineLength = 200;
/** Limit of output lines per step. */
const shownOutputLines = 500;
const minVersion = /^buildah version (1\.(?:2[3-9]|[3-9]\d)|[2-9])/;

/** buildah refuses limits above those of its own process, and its defaults can be higher. */
const containersConf = (helpers: string) =>
  [
    '[containers]',
    'default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]',
    '[engine]',
    `helper_binaries_dir = ["${helpers}"]`,
  ].join('\n');

/**
 * @param dir a folder that only this build knows, with a path without special characters
 * @throws Fault BUILDAH_MISSING
 */
export async function openBuildah(dir: string, signal?: AbortSignal): Promise<Buildah> {
  if (process.geteuid?.() !== 0) {
    throw imageFault('BUILDAH_MISSING', 'building a Dockerfile needs root', {
      hint: 'Run the command as root.',
    });
  }
  await checkInstalled();
  const env = await writeSettings(dir);
  const storage = ['--root', join(dir, 'storage'), '--runroot', join(dir, 'run'), '--storage-driver', 'vfs'];
  const argv = (...words: readonly string[]) => ['buildah', ...storage, ...words];
  const policy = ['--signature-policy', join(dir, 'policy.json')];
  const run = async (...words: readonly string[]) => {
    const options = { env, timeoutMs: stepTimeoutMs, ...(signal === undefined ? {} : { signal }) };
    const result = await runCommand(argv(...words), options);
    signal?.throwIfAborted();
    if (result.code === 0) return result.stdout.trim();
    throw imageFault('IMAGE_BUILD_FAILED', `buildah ${words[0]}: ${lastOf(result)}`);
  };
  return {
    async load(layoutDir, name) {
      const id = await run('pull', '--quiet', ...policy, `oci:${layoutDir}:${onlyTag}`);
      await run('tag', id, name);
    },
    build: (options) => build(argv('build', ...policy, ...buildFlags(options)), options, { env, signal }),
    async save(name, target) {
      await run('push', '--quiet', '--disable-compression', ...policy, name, `dir:${target}`);
    },
  };
}

async function checkInstalled(): Promise<void> {
  const found = await runCommand(['buildah', '--version']).catch(() => undefined);
  if (found?.code === 0 && minVersion.test(found.stdout)) return;
  const what = found?.code === 0 ? `a newer buildah than ${found.stdout.trim().slice(0, 80)}` : 'buildah';
  throw imageFault('BUILDAH_MISSING', `a Dockerfile needs ${what}`, {
    hint: 'Install it: apt-get install -y --no-install-recommends buildah',
  });
}

/** Returns an environment in which buildah finds only these settings. */
async function writeSettings(dir: string): Promise<NodeJS.ProcessEnv> {
  const helpers = join(dir, 'helpers');
  for (const folder of [helpers, join(dir, 'tmp'), join(dir, 'home')])
    await mkdir(folder, { recursive: true, mode: 0o700 });
  // It looks for the helper for networks even when it needs no network.
  await writeFile(join(helpers, 'netavark'), '#!/bin/false\n');
  await chmod(join(helpers, 'netavark'), 0o755);
  const files = {
    'containers.conf': containersConf(helpers),
    'registries.conf': 'unqualified-search-registries = []\n',
    'policy.json': '{"default":[{"type":"insecureAcceptAnything"}]}',
    'storage.conf': '[storage]\ndriver = "vfs"\n',
    'auth.json': '{}',
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
  return {
    PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin',
    LC_ALL: 'C.UTF-8',
    HOME: join(dir, 'home'),
    TMPDIR: join(dir, 'tmp'),
    CONTAINERS_CONF: join(dir, 'containers.conf'),
    CONTAINERS_REGISTRIES_CONF: join(dir, 'registries.conf'),
    CONTAINERS_STORAGE_CONF: join(dir, 'storage.conf'),
    REGISTRY_AUTH_FILE: join(dir, 'auth.json'),
  };
}

function buildFlags(options: BuildahBuild): string[] {
  return [
    ...['--isolation', 'chroot', '--network', 'host', '--pull=never', '--no-cache', '--layers=false'],
    ...['--timestamp', String(options.epoch), '--identity-label=false', '--format', 'oci'],
    ...['--no-hosts', '--no-hostname', ...(options.hasNetwork ? [] : ['--dns', 'none'])],
    ...options.buildArgs.flatMap((each) => ['--build-arg', each]),
    ...['--ignorefile', options.ignoreFile, '--file', options.dockerfile, '--tag', options.name],
    options.context,
  ];
}

async function build(
  argv: readonly string[],
  { hasNetwork, rename, progress, shellImages }: BuildahBuild,
  { env, signal }: { readonly env: NodeJS.ProcessEnv; readonly signal: AbortSignal | undefined },
): Promise<void> {
  const namespaces = ['--mount', '--pid', '--ipc', '--uts', ...(hasNetwork ? [] : ['--net'])];
  const inside = ['unshare', ...namespaces, '--fork', '--kill-child', '--mount-proc', ...argv];
  const child = startCommand(inside, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = () => child.kill('SIGKILL');
  const timer = setTimeout(stop, buildTimeoutMs);
  signal?.addEventListener('abort', stop, { once: true });
  const lines: string[] = [];
  const relay = relayOf(progress);
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (text) => {
      const line = rename(text);
      lines.push(line.slice(0, 1000));
      if (lines.length > keptLines) lines.shift();
      relay(line);
    });
  }
  try {
    const code = await new Promise((done, failed) => child.once('error', failed).once('close', done));
    signal?.throwIfAborted();
    if (code !== 0) throw failed(lines.join('\n').trim(), shellImages);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

/** Passes on the steps, and the output of `RUN` steps, as buildah shows them. */
function relayOf(progress: (line: string) => void): (line: string) => void {
  let left = 0;
  return (line) => {
    const isStep = /^(?:\[\d+\/\d+\] )?STEP \d+\/\d+: /.test(line);
    if (isStep) left = / RUN /.test(line) ? shownOutputLines : 0;
    else if (/^(?:\[\d+\/\d+\] )?COMMIT\b/.test(line)) left = 0;
    if (isStep) progress(line.slice(0, shownLineLength));
    else if (left > 0) progress(`  ${--left === 0 ? '…' : line.slice(0, shownLineLength)}`);
  };
}

function failed(output: string, shellImages: readonly string[]): Error {
  const hint = /\/bin\/sh: no such file/.test(output)
    ? `the image of this stage has no shell, but ${shellImages.join(', ')} has one: build in a stage on that image and COPY --from it, or write RUN as a list, ["/usr/bin/node", "…"]`
    : /executable file not found/.test(output)
      ? 'the image of this stage has no such program: Ward’s images contain a runtime but no package manager; install on your machine and COPY the result'
      : /Permission denied/.test(output)
        ? 'RUN lines run as the user of the image (1000:1000 in Ward’s images): write to /tmp, or put USER root before them and USER 1000:1000 after them'
        : undefined;
  return imageFault(
    'DOCKERFILE_FAILED',
    `the Dockerfile failed: ${output}`,
    hint === undefined ? {} : { hint },
  );
}

function lastOf({ stdout, stderr }: CommandResult): string {
  return (stderr.trim() || stdout.trim()).slice(-1000);
}

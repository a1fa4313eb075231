/**
 * Resolves and fetches Debian packages with the machine's own apt, independently of the installed packages: with an
 * empty package status, and Ward's own sources list, which has the wanted suites without any `Trusted: yes`, so apt
 * takes only signed packages. Stores files under the SHA-256 of the signed lists, and checks them against it at every
 * use. Remembers what it resolved for as long as the lists stay the same, because apt takes more than a second for each
 * answer.
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readRegularFile, writeFileAtomically } from '../../blobs/index.ts';
import { type CommandOptions, isFault, mustRun } from '../../lib/index.ts';
import { imageFault } from '../faults.ts';

export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  /** Hex, from the signed list. */
  readonly sha256: string;
}

export interface Apt {
  /** Returns `packages` and all their dependencies, sorted by name. */
  resolve(packages: readonly string[]): Promise<readonly DebianPackage[]>;
  /** The package's file, from the cache or the archive. */
  fetch(packages: readonly DebianPackage[]): Promise<ReadonlyMap<string, string>>;
}

export interface AptOptions {
  readonly cacheDir: string;
  readonly origins: readonly string[];
  readonly suites: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

const maxPackageBytes = 512 * 1024 * 1024;
const maxAnswerBytes = 1024 * 1024;
const timeoutMs = 600_000;

/** @throws Fault IMAGE_BUILD_FAILED when this machine's apt has none of the wanted suites */
export async function openApt(options: AptOptions): Promise<Apt> {
  const run = (argv: readonly string[], more: CommandOptions = {}) =>
    mustRun(argv, {
      env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
      timeoutMs,
      maxOutputBytes: 16 * 1024 * 1024,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...more,
    });
  const flags = await writeAptFolder(options, await listSources(options, run));
  let made: Promise<string> | undefined;
  /** One for all resolvers: in parallel, each would build apt's cache. */
  const caches = () => (made ??= makeCaches(options.cacheDir, flags, run));
  const refreshed = once(async () => {
    await run(['apt-get', 'update', '-qq']);
    made = undefined;
  });
  /** Fetches package lists once, when they are missing or too old. */
  const withLists = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (!isFault(error, 'COMMAND_FAILED') || options.signal?.aborted) throw error;
      await refreshed();
      return work();
    }
  };
  return {
    resolve: (packages) =>
      withLists(async () => {
        const lists = await caches();
        return remembered(options.cacheDir, lists, packages, () => resolve(packages, flags, run));
      }),
    fetch: (packages) => withLists(() => fetchAll(packages, join(options.cacheDir, 'debs'), flags, run)),
  };
}

type RunCommand = (argv: readonly string[], more?: CommandOptions) => Promise<string>;

/** Makes apt's caches where they are missing or too old. Returns a hash that changes with the package lists. */
async function makeCaches(cacheDir: string, flags: readonly string[], run: RunCommand): Promise<string> {
  await run(['apt-cache', 'gencaches', ...flags]);
  // It has the signed lists only; the other cache has the path of this folder, too.
  return sha256(await readFile(join(cacheDir, 'apt', 'cache', 'srcpkgcache.bin')));
}

/** The answer to the same question about the same lists, or else that of `ask`. */
async function remembered(
  cacheDir: string,
  lists: string,
  question: readonly string[],
  ask: () => Promise<readonly DebianPackage[]>,
): Promise<readonly DebianPackage[]> {
  const name = sha256(Buffer.from(question.join(' ')));
  const file = join(cacheDir, 'apt', 'answers', `${name}.json`);
  const bytes = await readRegularFile(file, maxAnswerBytes);
  const known = bytes && answerIn(bytes);
  if (known?.lists === lists) return known.packages;
  const packages = await ask();
  await writeFileAtomically(file, JSON.stringify({ lists, packages }));
  return packages;
}

/** Undefined when it is damaged: apt answers again then. */
function answerIn(bytes: Buffer): z.infer<typeof answerSchema> | undefined {
  try {
    return answerSchema.safeParse(JSON.parse(bytes.toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

async function resolve(
  packages: readonly string[],
  flags: readonly string[],
  run: RunCommand,
): Promise<DebianPackage[]> {
  const plan = await run([
    'apt-get',
    'install',
    '-s',
    '-qq',
    '-y',
    '--no-install-recommends',
    ...flags,
    ...packages,
  ]);
  const chosen = plan.matchAll(/^Inst (\S+) \((\S+) /gm).map(([, name, version]) => `${name}=${version}`);
  const shown = await run(['apt-cache', 'show', ...flags, ...chosen]);
  return shown
    .split('\n\n')
    .filter((stanza) => stanza.trim() !== '')
    .map(parseStanza)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

const stanzaSchema = z.object({
  name: z.string().regex(/^[a-z0-9][a-z0-9+.-]+$/),
  version: z.string().regex(/^[A-Za-z0-9.+:~-]+$/),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
const answerSchema = z.object({ lists: z.string(), packages: z.array(stanzaSchema) });

function parseStanza(stanza: string): DebianPackage {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1];
  const found = stanzaSchema.safeParse({
    name: field('Package'),
    version: field('Version'),
    sha256: field('SHA256'),
  });
  if (found.success) return found.data;
  throw imageFault('IMAGE_BUILD_FAILED', `apt describes ${field('Package')} without a version or SHA-256`);
}

async function fetchAll(
  packages: readonly DebianPackage[],
  folder: string,
  flags: readonly string[],
  run: RunCommand,
): Promise<ReadonlyMap<string, string>> {
  await mkdir(folder, { recursive: true });
  const missing: DebianPackage[] = [];
  for (const wanted of packages) {
    const bytes = await readRegularFile(join(folder, `${wanted.sha256}.deb`), maxPackageBytes);
    if (bytes === undefined || sha256(bytes) !== wanted.sha256) missing.push(wanted);
  }
  if (missing.length > 0) await download(missing, folder, flags, run);
  return new Map(packages.map(({ name, sha256: hash }) => [name, join(folder, `${hash}.deb`)]));
}

async function download(
  packages: readonly DebianPackage[],
  folder: string,
  flags: readonly string[],
  run: RunCommand,
): Promise<void> {
  const temporary = await mkdtemp(join(folder, '.tmp-'));
  try {
    const names = packages.map(({ name, version }) => `${name}=${version}`);
    await run(['apt-get', 'download', '-qq', ...flags, ...names], { cwd: temporary });
    const byHash = new Map<string, string>();
    for (const file of await readdir(temporary)) {
      byHash.set(sha256(await readFile(join(temporary, file))), file);
    }
    for (const { name, version, sha256: hash } of packages) {
      const file = byHash.get(hash);
      if (file === undefined) {
        throw imageFault(
          'IMAGE_BUILD_FAILED',
          `the file of ${name} ${version} does not have the hash of the signed list`,
        );
      }
      await rename(join(temporary, file), join(folder, `${hash}.deb`));
    }
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** The wanted suites among the machine's own sources, as deb822 stanzas. */
async function listSources({ origins, suites }: AptOptions, run: RunCommand): Promise<string> {
  const format = ['CREATED_BY', 'ORIGIN', 'RELEASE', 'REPO_URI', 'COMPONENT', 'SIGNED_BY'];
  const lines = await run([
    'apt-get',
    'indextargets',
    '--format',
    format.map((name) => `$(${name})`).join('\t'),
  ]);
  const stanzas = lines.split('\n').flatMap((line) => {
    const [createdBy, origin, suite, uri, component, signedBy] = line.split('\t');
    if (createdBy !== 'Packages' || !uri || !suite || !suites.includes(suite)) return [];
    if (!origins.includes(origin ?? '')) return [];
    const key = signedBy?.startsWith('/') ? `Signed-By: ${signedBy}\n` : '';
    return [`Types: deb\nURIs: ${uri}\nSuites: ${suite}\nComponents: ${component}\n${key}`];
  });
  if (stanzas.length > 0) return [...new Set(stanzas)].join('\n');
  throw imageFault(
    'IMAGE_BUILD_FAILED',
    `apt knows no source of ${origins.join(', ')} for ${suites.join(', ')}`,
    {
      hint: `Run apt-get update, or add Debian's ${suites[0]} to /etc/apt/sources.list.d.`,
    },
  );
}

/** Writes apt's private configuration and returns the flags that select it. */
async function writeAptFolder({ cacheDir }: AptOptions, sources: string): Promise<string[]> {
  const folder = join(cacheDir, 'apt');
  const nothing = join(folder, 'nothing');
  await mkdir(join(folder, 'cache', 'archives', 'partial'), { recursive: true });
  await mkdir(join(folder, 'nothing.d'), { recursive: true });
  await writeIfChanged(nothing, '');
  await writeIfChanged(join(folder, 'ward.sources'), sources);
  const settings = {
    'Dir::State::status': nothing,
    'Dir::Cache': join(folder, 'cache'),
    // Some machines, containers above all, switch apt's own cache off.
    'Dir::Cache::pkgcache': 'pkgcache.bin',
    'Dir::Cache::srcpkgcache': 'srcpkgcache.bin',
    'Dir::Etc::SourceList': join(folder, 'ward.sources'),
    'Dir::Etc::SourceParts': join(folder, 'nothing.d'),
    'Dir::Etc::Preferences': nothing,
    'Dir::Etc::PreferencesParts': join(folder, 'nothing.d'),
    'APT::Get::AllowUnauthenticated': 'false',
    'APT::Default-Release': '',
    // Writes only root's own cache folder; several builds may run beside the machine's own apt.
    'APT::Sandbox::User': 'root',
    'Debug::NoLocking': 'true',
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

/** Leaves an unchanged file alone: a newer one would make apt rebuild its cache, which takes seconds. */
async function writeIfChanged(path: string, text: string): Promise<void> {
  if ((await readFile(path, 'utf8').catch(() => undefined)) !== text) await writeFile(path, text);
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => (result ??= work());
}

/**
 * Builds a Java layer with the Java of its own packages: links the runtime from the modules in the recipe, compiles
 * the runner, and archives the classes that both need, which halves the start time.
 *
 * The same inputs give the same bytes: jlink, javac and the dump of the archive are deterministic, and jar gets names
 * and a date. The archive records the dates of its source files, so these get a fixed date.
 */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { mustRun } from '../../lib/index.ts';
import { runInside } from './inside.ts';
import type { JavaSource } from './recipe.ts';
import type { RunnerFiles } from './runner.ts';
import { matchesPath, type Tree } from './tree.ts';
import { readTree, writeTree } from './tree-folder.ts';

export interface JavaOptions {
  readonly source: JavaSource;
  readonly runner: RunnerFiles;
  /** The layer that has the C library. */
  readonly below: Tree;
  /** The package files of the layer, including tools. */
  readonly debs: Iterable<string>;
  readonly dropped: readonly string[];
  /** The date of the layer's files, in seconds. */
  readonly epoch: number;
  readonly cacheDir: string;
}

const extractTimeoutMs = 120_000;
const jarDate = '1980-01-01T00:00:02Z';
const jarFile = 'ward/runner.jar';
const archiveFile = 'ward/runner.jsa';
/** By default, javac joins strings with `invokedynamic`, which costs 20 ms at its first use. */
const compilerFlags = ['-g:source,lines', '-XDstringConcat=inline'];
/** Keeps the archive independent of this machine's memory. Only G1 archives objects as well. */
const dumpFlags = ['-Xshare:dump', '-XX:+UseG1GC', '-Xms128m', '-Xmx128m'];

/** Adds the runtime, the runner and the archive to `tree`, which has the kept files of the packages. */
export async function addJava(tree: Tree, options: JavaOptions): Promise<void> {
  const folder = await mkdtemp(join(options.cacheDir, '.tmp-java-'));
  try {
    const workshop = join(folder, 'workshop');
    await furnish(workshop, options);
    await linkRuntime(tree, workshop, options);
    await compileRunner(tree, workshop, options);
    await archiveClasses(tree, join(folder, 'image'), join(workshop, 'build'), options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Makes a root with all packages and, in `/build/source`, the runner's sources. */
async function furnish(workshop: string, { below, debs, runner }: JavaOptions): Promise<void> {
  await writeTree(workshop, below);
  for (const deb of debs) {
    await mustRun(['dpkg-deb', '--extract', deb, workshop], { timeoutMs: extractTimeoutMs });
  }
  for (const [path, bytes] of runner.files) {
    const file = join(workshop, 'build/source', path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
}

async function linkRuntime(tree: Tree, workshop: string, options: JavaOptions): Promise<void> {
  const { source, dropped } = options;
  await runTool(workshop, source, 'jdk.jlink/jdk.tools.jlink.internal.Main', [
    ...['--module-path', `/${source.from}/jmods`, '--add-modules', source.modules.join(',')],
    // Line numbers are a tenth of the size of Java's own classes.
    ...['--output', '/build/runtime', '--no-header-files', '--no-man-pages', '--strip-java-debug-attributes'],
  ]);
  await readTree(tree, join(workshop, 'build/runtime'), source.home, (path) => !matchesPath(path, dropped));
}

/** Compiles the runner and its rehearsal: an action, and a main class that lets the runner serve it. */
async function compileRunner(tree: Tree, workshop: string, options: JavaOptions): Promise<void> {
  const { source, runner } = options;
  const classPath = classPathOf(runner).replace(`/${jarFile}`, '/build/classes');
  const parts = [
    ['', 'classes'],
    ['rehearsal/', 'rehearsal'],
  ] as const;
  for (const [folder, output] of parts) {
    const files = [...runner.files.keys()].filter((path) => isJavaIn(folder, path));
    const sources = files.map((path) => `/build/source/${path}`);
    const flags = [...compilerFlags, '-cp', classPath, '-d', `/build/${output}`];
    await runTool(workshop, source, 'jdk.compiler/com.sun.tools.javac.Main', [...flags, ...sources]);
  }
  const build = join(workshop, 'build');
  await packClasses(workshop, source, 'classes', '', 'runner.jar');
  await packClasses(workshop, source, 'rehearsal', 'example', 'action.jar');
  tree.add(jarFile, { type: 'file', mode: 0o644, bytes: await readFile(join(build, 'runner.jar')) });
}

/** Passes the names to jar in order, because the order of a folder depends on its file system. */
async function packClasses(
  workshop: string,
  source: JavaSource,
  folder: string,
  part: string,
  file: string,
): Promise<void> {
  const root = join(workshop, 'build', folder);
  const found = await readdir(join(root, part), { recursive: true });
  const classes = found.filter((name) => name.endsWith('.class')).sort();
  await runTool(workshop, source, 'jdk.jartool/sun.tools.jar.Main', [
    ...['--create', '--file', `/build/${file}`, '--date', jarDate],
    ...classes.flatMap((name) => ['-C', `/build/${folder}`, join(part, name)]),
  ]);
}

/** Creates the archive in a root like the image's: it is valid only for the paths and dates of its sources. */
async function archiveClasses(tree: Tree, root: string, build: string, options: JavaOptions): Promise<void> {
  const { source, runner, below, epoch } = options;
  for (const layer of [below, tree]) await writeTree(root, layer, { epoch });
  await cp(build, join(root, 'build'), { recursive: true });
  const java = `/${source.home}/bin/java`;
  const classPath = classPathOf(runner);
  const list = join(root, 'build/classes.list');
  await runInside(root, [
    ...[java, '-XX:DumpLoadedClassList=/build/classes.list', '-XX:+UseSerialGC'],
    ...['-cp', `${classPath}:/build/rehearsal`, source.rehearsal, '/build'],
  ]);
  // The JDK's own list names the classes that most programs load.
  const usual = await readFile(join(root, 'build/runtime/lib/classlist'), 'utf8');
  await writeFile(list, `${usual}${await readFile(list, 'utf8')}`);
  await runInside(root, [
    ...[java, ...dumpFlags, '-XX:SharedClassListFile=/build/classes.list'],
    ...[`-XX:SharedArchiveFile=/${archiveFile}`, '-cp', classPath],
  ]);
  const bytes = await readFile(join(root, archiveFile));
  tree.add(archiveFile, { type: 'file', mode: 0o644, bytes });
}

/** Runs one of the JDK's tools, which are classes of its modules. */
function runTool(
  workshop: string,
  source: JavaSource,
  main: string,
  args: readonly string[],
): Promise<string> {
  return runInside(workshop, [`/${source.from}/bin/java`, '-XX:-UsePerfData', '-m', main, ...args]);
}

/** The class path in the runner's command. */
function classPathOf({ entrypoint }: RunnerFiles): string {
  return entrypoint[entrypoint.indexOf('-cp') + 1] ?? '';
}

function isJavaIn(folder: string, path: string): boolean {
  const name = path.slice(folder.length);
  return path.startsWith(folder) && name.endsWith('.java') && !name.includes('/');
}

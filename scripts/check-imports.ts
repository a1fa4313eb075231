/**
 * Checks the direction of imports between rooms: imports go only to lower floors, a room is imported only through its
 * index.ts, files do not import each other in a circle, and two folders of a room do not import each other. Prints
 * the number of modules, so that a run that found none is visible.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** Room → floor. An import can go to a lower floor, or stay in its room. */
export const floors: Readonly<Record<string, number>> = {
  answers: 0,
  lib: 0,
  store: 1,
  blobs: 1,
  egress: 1,
  bus: 1,
  images: 2,
  sandbox: 2,
  cluster: 2,
  forwarding: 2,
  oidc: 2,
  content: 3,
  scanner: 3,
  keeper: 3,
  dispatch: 3,
  gate: 4,
  invoker: 5,
  functions: 5,
  prover: 6,
  api: 6,
  registry: 6,
  dashboard: 6,
  server: 7,
  cli: 8,
};

export interface Module {
  readonly path: string;
  readonly imports: readonly string[];
}

/** Every `.ts` and `.tsx` file below `root`, with the files that it imports (types included). */
export function readModules(root: string): Module[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path: relative(root, path), imports: importsOf(path, root) }));
}

/** One sentence per broken rule. */
export function findViolations(modules: readonly Module[]): string[] {
  return [...modules.flatMap(brokenArrows), ...circles(modules), ...mutualFolders(modules)];
}

function importsOf(path: string, root: string): string[] {
  const source = readFileSync(path, 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '');
  const pattern =
    /(?:^|\n)\s*(?:import|export)\b[^'"`;]*?from\s*['"](\.[^'"]+)['"]|\bimport\(\s*['"](\.[^'"]+)['"]|(?:^|\n)\s*import\s*['"](\.[^'"]+)['"]/g;
  return [...source.matchAll(pattern)]
    .map((match) => match[1] ?? match[2] ?? match[3] ?? '')
    .map((specifier) => relative(root, resolve(dirname(path), specifier)));
}

function brokenArrows(module: Module): string[] {
  const room = roomOf(module.path);
  return module.imports.flatMap((target) => {
    const targetRoom = roomOf(target);
    if (targetRoom === room) return [];
    if (floors[room] === undefined) return [`${module.path}: the room '${room}' has no floor`];
    const targetFloor = floors[targetRoom];
    if (targetFloor === undefined) return [`${module.path} imports ${target}, which is not in a room`];
    if (targetFloor >= (floors[room] ?? -1)) return [`${module.path} imports upwards: ${target}`];
    if (target !== join(targetRoom, 'index.ts') && !isForTests(module.path, target))
      return [`${module.path} bypasses the index.ts of ${targetRoom}: ${target}`];
    return [];
  });
}

function circles(modules: readonly Module[]): string[] {
  const imports = new Map(modules.map((module) => [module.path, module.imports]));
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      found.push(`circle: ${[...trail.slice(trail.indexOf(path)), path].join(' → ')}`);
      return;
    }
    if (done.has(path)) return;
    for (const target of imports.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of imports.keys()) visit(path, []);
  return found;
}

/** A room's test can run a lower room's suite for a contract that both implement, and use its fixtures. */
function isForTests(path: string, target: string): boolean {
  return testing.test(path) && /\.(?:suite|fixture)\.ts$/.test(target);
}

/** Tests and their helpers can be above the code that they test. */
const testing = /(?:\.(?:test|fixture|suite)\.ts$|\/(?:testing|suite)\/)/;

/** Folders of one room, not nested, that import from each other. */
function mutualFolders(modules: readonly Module[]): string[] {
  /** `FROM TO` → the first import from one folder to the other. */
  const arrows = new Map<string, string>();
  for (const { path, imports } of modules.filter((module) => !testing.test(module.path))) {
    const from = dirname(path);
    for (const target of imports) {
      const to = dirname(target);
      if (roomOf(to) !== roomOf(from) || isWithin(from, to) || isWithin(to, from)) continue;
      if (!arrows.has(`${from} ${to}`)) arrows.set(`${from} ${to}`, `${path} imports ${target}`);
    }
  }
  return [...arrows].flatMap(([folders, there]) => {
    const [from = '', to = ''] = folders.split(' ');
    const back = arrows.get(`${to} ${from}`);
    if (back === undefined || from > to) return [];
    return [`${from} and ${to} import each other: ${there}, ${back}`];
  });
}

function isWithin(folder: string, other: string): boolean {
  return `${folder}/`.startsWith(`${other}/`);
}

function roomOf(path: string): string {
  return path.split('/')[0] ?? '';
}

if (import.meta.main) {
  const { positionals } = parseArgs({ allowPositionals: true });
  const root = resolve(positionals[0] ?? 'src');
  const modules = existsSync(root) ? readModules(root) : [];
  const violations = findViolations(modules);
  for (const violation of violations) console.error(violation);
  console.log(`imports: ${modules.length} modules, ${violations.length} violations`);
  process.exitCode = modules.length === 0 || violations.length > 0 ? 1 : 0;
}

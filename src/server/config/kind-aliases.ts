/**
 * Aliases of kinds: names that other platforms give to versions of a language, and the kind that runs each of them
 * here. The operator can change Ward's table.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { familyOf, type Runtime } from '../../functions/index.ts';
import { type RuntimeKind, runtimeKinds } from '../../images/index.ts';
import { serverFault } from '../faults.ts';
import { type KindAliases, kindName } from './kind-aliases-setting.ts';

const tableFile = new URL('../../../policies/kind-aliases.yaml', import.meta.url);

/**
 * The kinds of this platform, followed by their aliases.
 * @param kinds the default of a family before its other kinds
 * @throws Fault CONFIG_INVALID naming each invalid alias
 */
export function runtimesWithAliases(
  kinds: readonly RuntimeKind[],
  aliases: KindAliases | undefined,
): readonly Runtime[] {
  const byName = new Map(kinds.map((kind) => [kind.kind, kind]));
  const known = aliasTable(kinds, aliases).map(([alias, target]): Runtime => {
    const runtime = runtimeOf(byName.get(target) ?? unreachable(target));
    return { ...runtime, kind: alias, default: false, runsAs: target };
  });
  return [...kinds.map(runtimeOf), ...known];
}

/** The kind that `name` stands for: itself unless it is an alias. @throws Fault CONFIG_INVALID */
export function kindBehind(name: string, aliases: KindAliases | undefined): string {
  return new Map(aliasTable(runtimeKinds(), aliases)).get(name) ?? name;
}

function aliasTable(
  kinds: readonly RuntimeKind[],
  aliases: KindAliases | undefined,
): readonly (readonly [string, string])[] {
  if (aliases === false) return [];
  const table = new Map<string, string | null>(Object.entries(ownTable()));
  const changes = typeof aliases === 'object' ? Object.entries(aliases) : [];
  for (const [alias, target] of changes) table.set(alias, target);
  const rows = [...table].filter((row): row is [string, string] => row[1] !== null);
  const problems = rows.flatMap(([alias, target]) => problemOf(alias, target, kinds));
  if (problems.length === 0) return rows;
  throw serverFault('CONFIG_INVALID', `kindAliases: ${problems.join('; ')}`, {
    hint: `an alias names one of ${kinds.map(({ kind }) => kind).join(', ')}, of its own language`,
  });
}

function problemOf(alias: string, target: string, kinds: readonly RuntimeKind[]): string[] {
  const isTaken = kinds.some((kind) => kind.kind === alias || kind.aliases.includes(alias));
  if (isTaken || alias.endsWith(':default') || reserved.has(familyOf(alias)))
    return [`'${alias}' is itself a kind`];
  if (!kinds.some(({ kind }) => kind === target))
    return [`'${alias}' stands for '${target}', which is not a kind of this platform`];
  // Each language has its own runner and its own preparation of code.
  if (familyOf(alias) !== familyOf(target)) return [`'${alias}' stands for '${target}', another language`];
  return [];
}

/** Kinds without a runtime. */
const reserved = new Set(['blackbox', 'builtin', 'default', 'sequence']);

function ownTable(): Readonly<Record<string, string>> {
  return z.record(kindName, kindName).parse(parse(readFileSync(tableFile, 'utf8')));
}

function runtimeOf(kind: RuntimeKind): Runtime {
  return {
    kind: kind.kind,
    image: kind.image,
    default: kind.default,
    deprecated: kind.deprecated,
    attached: true,
    requireMain: kind.requireMain,
  };
}

function unreachable(target: string): never {
  throw new TypeError(`the checked table of aliases has ${target}`);
}

/**
 * Reads rules files: Ward's own in `policies/scanner`, or an operator's files of the same names in their place, and further
 * `.yar` files of the operator.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, Fault, messageOf } from '../../lib/index.ts';
import { scannerFault } from '../faults.ts';

export interface RulesFile {
  /** The name in messages. */
  readonly name: string;
  readonly text: string;
}

export interface RulesFiles {
  readonly yara: readonly RulesFile[];
  readonly denyList: RulesFile;
  readonly secrets: RulesFile;
  readonly misconfiguration: RulesFile;
}

export const builtInRules = join(import.meta.dirname, '../../../policies/scanner');
const yaraFile = 'malware.yar';
const maxFileBytes = 8 * 1024 * 1024;
const maxYaraFiles = 100;

/** @throws Fault RULES_INVALID when the folder or a file can't be read */
export function readRulesFiles(rulesDir?: string): RulesFiles {
  const own = rulesDir === undefined ? [] : filesOf(rulesDir);
  const find = (name: string): RulesFile =>
    rulesDir !== undefined && own.includes(name) ? read(rulesDir, name) : read(builtInRules, name);
  const further = own.filter((name) => name.endsWith('.yar') && name !== yaraFile).sort();
  if (further.length > maxYaraFiles) {
    throw scannerFault('RULES_INVALID', `${rulesDir} has more than ${maxYaraFiles} files of YARA rules`);
  }
  return {
    yara: [find(yaraFile), ...(rulesDir === undefined ? [] : further.map((name) => read(rulesDir, name)))],
    denyList: find('denied-hashes.txt'),
    secrets: find('secrets.yaml'),
    misconfiguration: find('misconfiguration.yaml'),
  };
}

/** Adds the name of the file to a fault. */
export function inRulesFile<Result>(file: RulesFile, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw scannerFault('RULES_INVALID', `${file.name}: ${error.message}`, { cause: error });
  }
}

function filesOf(dir: string): readonly string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    throw scannerFault('RULES_INVALID', `the folder of rules ${dir} can't be read: ${messageOf(error)}`);
  }
}

function read(dir: string, name: string): RulesFile {
  const path = join(dir, name);
  try {
    const { size } = statSync(path);
    if (size > maxFileBytes) throw scannerFault('RULES_INVALID', `${path} is longer than 8 MiB`);
    return { name: path, text: readFileSync(path, 'utf8') };
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    throw scannerFault('RULES_INVALID', `${path} can't be read: ${messageOf(error)}`);
  }
}

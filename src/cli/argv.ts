/**
 * Options that take two words (`-p key value`), as wsk has them, which option parsers do not support. They are folded
 * into one word before parsing, and unfolded by the option's parser.
 */
import {
  type CommandSpec,
  type EntrySpec,
  flagWords,
  isGroup,
  type OptionSpec,
  takesValue,
} from './command-spec.ts';
import { cliFault } from './faults.ts';
import { leadingOptions } from './shared-options.ts';

/** The entries that `argv` names, from the outermost group inwards, up to the first word that names none. */
export function entryPath(argv: readonly string[], entries: readonly EntrySpec[]): EntrySpec[] {
  const path: EntrySpec[] = [];
  let choices = entries;
  for (const word of bareWords(argv)) {
    const entry = choices.find((candidate) => candidate.name === word);
    if (entry === undefined) break;
    path.push(entry);
    if (!isGroup(entry)) break;
    choices = entry.commands;
  }
  return path;
}

/** The command that `argv` names, if it names one. */
export function findCommand(argv: readonly string[], entries: readonly EntrySpec[]): CommandSpec | undefined {
  const last = entryPath(argv, entries).at(-1);
  return last === undefined || isGroup(last) ? undefined : last;
}

/** `-p key value` → `--param=["key","value"]`, for the pair options of `command`, up to `--`. */
export function foldPairs(argv: readonly string[], command: CommandSpec | undefined): string[] {
  const pairs = (command?.options ?? []).filter((option) => option.takes === 'pair');
  const longs = new Map(pairs.flatMap((option) => flagWords(option).map((word) => [word, option] as const)));
  const folded: string[] = [];
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? '';
    if (word === '--') return [...folded, ...argv.slice(index)];
    const option = longs.get(word);
    if (option === undefined) {
      folded.push(word);
      continue;
    }
    const [key, value] = argv.slice(index + 1, index + 3);
    if (key === undefined || value === undefined || isWholeInOne(key, value, command))
      throw cliFault('USAGE', `${word} takes a key and a value`, {
        hint: pairHint(word, key, option, command),
      });
    folded.push(`${flagWords(option).at(-1)}=${JSON.stringify([key, value])}`);
    index += 2;
  }
  return folded;
}

/** True for `{"a": 1}`, or for `name=World` before an option: the next word is not its value. */
function isWholeInOne(key: string, value: string, command: CommandSpec | undefined): boolean {
  if (/^\s*\{/.test(key)) return true;
  return key.includes('=') && (command?.options ?? []).some((option) => flagWords(option).includes(value));
}

function pairHint(word: string, key = '', option: OptionSpec, command: CommandSpec | undefined): string {
  const long = flagWords(option).at(-1);
  const file = command?.options?.find((each) => flagWords(each).at(-1) === `${long}-file`);
  if (/^\s*\{/.test(key) && file !== undefined)
    return `${word} KEY VALUE; for a whole object use ${flagWords(file)[0]} FILE, or ${flagWords(file)[0]} - from a pipe`;
  const [name, value] = /^([^={]+)=(.+)$/s.exec(key)?.slice(1) ?? [];
  return name === undefined ? `${word} name World` : `${word} ${name} ${value}`;
}

/** The reverse of the folding, for one word. */
export function unfoldPair(word: string): readonly [string, string] {
  try {
    const [key, value] = JSON.parse(word);
    if (typeof key === 'string' && typeof value === 'string') return [key, value];
  } catch {}
  throw cliFault('USAGE', `'${word}' is not a key and a value`, { hint: 'write --param KEY VALUE' });
}

/** The words that are neither options nor the values of options that are allowed before a command. */
function bareWords(argv: readonly string[]): string[] {
  const valued = new Set(leadingOptions.filter(takesValue).flatMap(flagWords));
  const words: string[] = [];
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? '';
    if (word === '--') break;
    if (valued.has(word)) index++;
    else if (!word.startsWith('-')) words.push(word);
  }
  return words;
}

/** Options that many commands share. */
import type { CommandSpec, OptionSpec } from './command-spec.ts';
import { outputFormats } from './io.ts';

const talking: readonly OptionSpec[] = [
  { flags: '-o, --output <FORMAT>', summary: 'output format', choices: outputFormats },
  { flags: '-q, --quiet', summary: 'print only data and errors' },
  { flags: '-d, --debug', summary: 'print what is sent and received, and where an error comes from' },
];

const dataFolder: OptionSpec = {
  flags: '--data <DIR>',
  summary: 'data folder of the server on this machine (WARD_DATA, else /var/lib/ward)',
};

const remote: readonly OptionSpec[] = [
  { flags: '--apihost <URL>', summary: 'the server (WARD_APIHOST, else .wskprops, else this machine)' },
  {
    flags: '-u, --auth <KEY>',
    summary: 'the key, uuid:secret (WARD_AUTH, else .wskprops, else DIR/guest.auth)',
  },
  { flags: '-i, --insecure', summary: 'accept any TLS certificate' },
  { flags: '--apiversion <VERSION>', summary: 'version of the API', choices: ['v1'] },
  { flags: '-v, --verbose', summary: 'print what is sent and received' },
  dataFolder,
];

const local: readonly OptionSpec[] = [
  dataFolder,
  { flags: '--config <FILE>', summary: 'configuration file of the server (WARD_CONFIG)' },
];

/** Also accepted before the command, as in `wsk -i action list`. */
export const leadingOptions: readonly OptionSpec[] = [...talking, ...remote];

/** The shared options of a command, without those it defines itself. */
export function sharedOptionsOf(command: CommandSpec): readonly OptionSpec[] {
  const sets = { remote: [...talking, ...remote], local: [...talking, ...local], alone: talking };
  const own = command.options.map((option) => longName(option.flags));
  const ownShorts = command.options.flatMap((option) => /^-\w\b/.exec(option.flags) ?? []);
  return sets[command.works]
    .filter((option) => !own.includes(longName(option.flags)))
    .map((option) => withoutShort(option, ownShorts));
}

function withoutShort(option: OptionSpec, taken: readonly string[]): OptionSpec {
  const isTaken = taken.some((short) => option.flags.startsWith(`${short},`));
  return isTaken ? { ...option, flags: option.flags.replace(/^-\w, /, '') } : option;
}

function longName(flags: string): string {
  return /--[a-z-]+/.exec(flags)?.[0] ?? flags;
}

/** What to type elsewhere to make a call again, or to get its record. */
import type { KeptInput } from './kept-input.ts';
import { functionOf, isFiring, namespaceOf, type RunRecord } from './runs.ts';
import { quotedJson, quotedUrl, quotedWord } from './shell.ts';

export interface CommandLines {
  readonly ward: string;
  readonly curl: string;
}

/** Of an input; undefined: not known. */
type Input = { readonly value: unknown } | undefined;

/** A longer input is for a file: shells and terminals have bounds of their own. */
const longestInput = 8000;
const inputFile = 'input.json';
const curl = 'curl -u "$WARD_AUTH"';

/** Whether an input is too long to be a word of a command: they name a file instead. */
export function isForFile(input: Input): boolean {
  return input !== undefined && quotedJson(input.value).length > longestInput;
}

/** The input of a firing is in its record; that of a call was kept elsewhere, if at all. */
export function inputOf(run: RunRecord, kept: KeptInput | undefined): Input {
  if (isFiring(run)) return { value: run.response?.result ?? {} };
  return kept !== undefined && 'input' in kept ? { value: kept.input } : undefined;
}

/** @param ownNamespace of the key */
export function repeatLines(run: RunRecord, ownNamespace: string, input: Input): CommandLines {
  const what = isFiring(run) ? 'triggers' : 'actions';
  const path = functionOf(run).split('/');
  const namespace = namespaceOf(run) ?? ownNamespace;
  const isOwn = namespace === ownNamespace;
  const name = quotedWord(isOwn ? path.join('/') : `/${[namespace, ...path].join('/')}`);
  const verb = what === 'triggers' ? 'trigger fire' : 'action invoke';
  const wait = what === 'triggers' ? '' : ' --result';
  const url = quotedUrl(
    ['api', 'v1', 'namespaces', isOwn ? '_' : namespace, what, ...path],
    what === 'triggers' ? '' : '?blocking=true',
  );
  const post = `${curl} -H 'Content-Type: application/json'`;
  if (isForFile(input))
    return {
      ward: `ward ${verb} ${name} -P ${inputFile}${wait}`,
      curl: `${post} --data-binary @${inputFile} ${url}`,
    };
  const json = quotedJson(input?.value ?? {});
  const isEmpty = json === "'{}'";
  return {
    ward: isEmpty ? `ward ${verb} ${name}${wait}` : `printf %s ${json} | ward ${verb} ${name} -P -${wait}`,
    // Not `--data`: that takes an `@` for the name of a file.
    curl: `${post} --data-raw ${json} ${url}`,
  };
}

export function fetchLines(id: string): CommandLines {
  return {
    ward: `ward activation get ${quotedWord(id)}`,
    curl: `${curl} ${quotedUrl(['api', 'v1', 'namespaces', '_', 'activations', id])}`,
  };
}

/** Writes the file that the lines for a long input name. An error is not written there: it would be the next input. */
export function inputLine(id: string, run: RunRecord): string {
  if (isFiring(run)) return `ward activation result ${quotedWord(id)} > ${inputFile}`;
  return `${curl} -f ${quotedUrl(['ward', 'v1', 'namespaces', '_', 'activations', id, 'input'])} > ${inputFile}`;
}

/** Makes an alarm that fires a trigger at eight each day. */
export function alarmLine(trigger: string): string {
  return `ward action invoke /whisk.system/alarms/alarm -p lifecycleEvent CREATE -p triggerName ${quotedWord(trigger)} -p cron "0 8 * * *"`;
}

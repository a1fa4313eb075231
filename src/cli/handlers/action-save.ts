/** `ward action get --save`: writes the code of an action into a new file. */
import { writeFile } from 'node:fs/promises';
import { errnoOf, type JsonObject, messageOf } from '../../lib/index.ts';
import { objectOf, textOf } from '../entity-fields.ts';
import type { EntityName } from '../entity-name.ts';
import { cliFault } from '../faults.ts';
import type { Io } from '../io.ts';

/** Language → extension of a source file. */
const extensions: Readonly<Record<string, string>> = {
  nodejs: '.js',
  python: '.py',
  ruby: '.rb',
  php: '.php',
  native: '.sh',
};

/** @throws Fault NOT_FOUND, FILE_EXISTS, FILE_NOT_WRITTEN */
export async function saveCode(
  io: Io,
  name: EntityName,
  action: JsonObject,
  saveAs: string | undefined,
): Promise<number> {
  const exec = objectOf(action['exec']);
  const { code } = exec;
  if (typeof code !== 'string' || code === '')
    throw cliFault(
      'NOT_FOUND',
      `${name.path} has no code to save: it is a sequence, an image, or Ward’s own`,
    );
  const bytes = exec['binary'] === true ? Buffer.from(code, 'base64') : Buffer.from(code);
  const file = saveAs ?? `${name.path.split('/').at(-1)}${extensionOf(textOf(exec['kind']), bytes)}`;
  try {
    await writeFile(file, bytes, { flag: 'wx' });
  } catch (cause) {
    if (errnoOf(cause) === 'EEXIST')
      throw cliFault('FILE_EXISTS', `${file} exists`, { hint: 'name another with --save-as' });
    throw cliFault('FILE_NOT_WRITTEN', messageOf(cause), { cause });
  }
  io.ok(`saved the code of ${name.path} to ${file}`);
  return 0;
}

/** A jar is a zip as well; a program has no extension. */
function extensionOf(kind: string, bytes: Buffer): string {
  const language = kind.split(':')[0] ?? '';
  if (bytes.subarray(0, 2).toString('latin1') === 'PK') return language === 'java' ? '.jar' : '.zip';
  if (bytes.subarray(1, 4).toString('latin1') === 'ELF') return '';
  return (Object.hasOwn(extensions, language) ? extensions[language] : undefined) ?? '';
}

/** Reads a file that the reader chose as the code of a function: a source file, or an archive with all of it. */
import type { FunctionExec } from '../../api/functions.ts';

const families: Readonly<Record<string, string>> = {
  ...{ js: 'nodejs', cjs: 'nodejs', mjs: 'nodejs', ts: 'nodejs' },
  ...{ py: 'python', go: 'go', php: 'php', rb: 'ruby', jar: 'java' },
};
/** Each zip begins so, and so does a jar. */
const zipMark = 'PK';

export interface CodeFile {
  readonly name: string;
  readonly bytes: number;
  readonly code: Pick<FunctionExec, 'code' | 'binary'>;
  /** That its name tells: `python`. */
  readonly family: string | undefined;
}

/** @throws errors of the browser: the file may be gone */
export async function readCodeFile(file: File): Promise<CodeFile> {
  const isArchive = (await file.slice(0, zipMark.length).text()) === zipMark;
  const code = isArchive ? { code: await base64Of(file), binary: true } : { code: await file.text() };
  const extension = /\.(\w+)$/.exec(file.name)?.[1]?.toLowerCase() ?? '';
  return { name: file.name, bytes: file.size, code, family: families[extension] };
}

function base64Of(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,/, ''));
    reader.onerror = () => reject(reader.error ?? new Error('The file can’t be read.'));
    reader.readAsDataURL(file);
  });
}

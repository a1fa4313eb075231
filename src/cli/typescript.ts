/**
 * Checks TypeScript before it is sent: names a form that Node can't run, with its line, before the first call fails.
 * Changes nothing: the deployed code is the code as written.
 */
import { stripTypeScriptTypes } from 'node:module';
import { extname } from 'node:path';
import { messageOf, nodeCodeOf } from '../lib/index.ts';
import { cliFault } from './faults.ts';

const endings = ['.ts', '.mts', '.cts'];

/** @param file its extension tells whether it is TypeScript. @throws Fault SOURCE_UNREADABLE */
export function checkTypeScript(file: string, code: Buffer): void {
  if (!endings.includes(extname(file).toLowerCase())) return;
  const { emitWarning } = process;
  // Node warns that the function is experimental, which is no warning about the code.
  process.emitWarning = () => {};
  try {
    stripTypeScriptTypes(code.toString('utf8'));
  } catch (cause) {
    const isUnsupported = nodeCodeOf(cause) === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX';
    throw cliFault('SOURCE_UNREADABLE', `${file}${lineOf(cause)}: ${messageOf(cause)}`, {
      hint: isUnsupported
        ? 'Node removes types and compiles nothing: use JavaScript for it (a constant object for an enum, fields for parameter properties, modules for namespaces), or compile it first'
        : 'fix the syntax: nothing was deployed',
    });
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Node puts the line before the stack. */
function lineOf(error: unknown): string {
  return (error instanceof Error ? /^:\d+(?=\n)/.exec(error.stack ?? '')?.[0] : undefined) ?? '';
}

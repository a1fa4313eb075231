/**
 * Checks TypeScript before it is sent: names a form that Node can't run, with its line, before the first call would.
 * Changes nothing: the code that is deployed is the code that was written.
 */
import { stripTypeScriptTypes } from 'node:module';
import { extname } from 'node:path';
import { messageOf, nodeCodeOf } from '../lib/index.ts';
import { cliFault } from './faults.ts';

const endings = ['.ts', '.mts', '.cts'];

/** @param file its ending says whether it is TypeScript. @throws Fault SOURCE_UNREADABLE */
export function checkTypeScript(file: string, code: Buffer): void {
  if (!endings.includes(extname(file).toLowerCase())) return;
  const { emitWarning } = process;
  // Node calls the function experimental, which says nothing about the code.
  process.emitWarning = () => {};
  try {
    stripTypeScriptTypes(code.toString('utf8'));
  } catch (cause) {
    const isUnsupported = nodeCodeOf(cause) === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX';
    throw cliFault('SOURCE_UNREADABLE', `${file}${lineOf(cause)}: ${messageOf(cause)}`, {
      hint: isUnsupported
        ? 'Node takes types out and compiles nothing: write it as JavaScript has it (a constant object for an enum, fields for parameter properties, modules for namespaces), or compile it first'
        : 'mend the syntax: nothing was deployed',
    });
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Node puts the line before the stack. */
function lineOf(error: unknown): string {
  return (error instanceof Error ? /^:\d+(?=\n)/.exec(error.stack ?? '')?.[0] : undefined) ?? '';
}

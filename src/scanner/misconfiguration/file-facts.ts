/** Judges files and folders by their paths, modes and attributes, and a few files by their content. */
import type { FileInspector, Finding, ScannedFile, ScannedFolder } from '../types.ts';
import { type FileMatch, findingOf, type MisconfigurationRule, type MisconfigurationRules } from './rules.ts';

export function createFileFactInspector({ revision, rules }: MisconfigurationRules): FileInspector {
  const ofFiles = rules.filter(({ file, text }) => file !== undefined || text.check !== undefined);
  const ofFolders = rules.filter(({ folder }) => folder !== undefined);
  return {
    name: 'file-facts',
    revision,
    inspect: (file) =>
      ofFiles.filter((rule) => isWrong(rule, file)).map((rule) => findingOf(rule, file.path)),
    inspectFolder: (folder): readonly Finding[] =>
      ofFolders.filter((rule) => isWrongFolder(rule, folder)).map((rule) => findingOf(rule, folder.path)),
  };
}

/** Names of users other than root with the id 0. Source: passwd(5). */
export function extraRootUsers(passwd: string): readonly string[] {
  return linesOf(passwd).flatMap(([name = '', , uid = '']) =>
    name !== 'root' && /^0+$/.test(uid) ? [name] : [],
  );
}

/** Names of users whose password is empty, not locked or stored elsewhere. Sources: passwd(5), shadow(5). */
export function usersWithoutPassword(file: string): readonly string[] {
  return linesOf(file).flatMap(([name = '', password]) => (name !== '' && password === '' ? [name] : []));
}

function isWrong({ file: match, text }: MisconfigurationRule, file: ScannedFile): boolean {
  if (match !== undefined) return fits(match, file);
  if (text.check === 'extra-root-user') {
    return file.path === 'etc/passwd' && extraRootUsers(textOf(file)).length > 0;
  }
  const hasUsers = file.path === 'etc/shadow' || file.path === 'etc/passwd';
  return text.check === 'empty-password' && hasUsers && usersWithoutPassword(textOf(file)).length > 0;
}

/** Checks cheap conditions first, because it runs for every file. */
function fits({ anyMode, xattr, isPath, line }: FileMatch, file: ScannedFile): boolean {
  if (anyMode !== 0 && (file.mode & anyMode) === 0) return false;
  if (xattr !== undefined && !file.xattrs.has(xattr)) return false;
  return isPath(file.path) && (line === undefined || line(file.content ?? file.head));
}

function isWrongFolder({ folder: match }: MisconfigurationRule, folder: ScannedFolder): boolean {
  return match !== undefined && (folder.mode & match.anyMode) !== 0 && match.isPath(folder.path);
}

function textOf(file: ScannedFile): string {
  return (file.content ?? file.head).toString('latin1');
}

function linesOf(file: string): readonly (readonly string[])[] {
  return file
    .split('\n')
    .filter((line) => line.includes(':') && !line.startsWith('#'))
    .map((line) => line.split(':', 4));
}

/** Judges files and folders by their paths, modes, attributes, and a few by what they hold. */
import type { FileInspector, Finding, ScannedFile, ScannedFolder } from '../types.ts';
import { extraRootUsers, usersWithoutPassword } from './accounts.ts';
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

function isWrong({ file: match, text }: MisconfigurationRule, file: ScannedFile): boolean {
  if (match !== undefined) return fits(match, file);
  if (text.check === 'extra-root-user') {
    return file.path === 'etc/passwd' && extraRootUsers(textOf(file)).length > 0;
  }
  const hasUsers = file.path === 'etc/shadow' || file.path === 'etc/passwd';
  return text.check === 'empty-password' && hasUsers && usersWithoutPassword(textOf(file)).length > 0;
}

/** Cheap questions first: there are very many files. */
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

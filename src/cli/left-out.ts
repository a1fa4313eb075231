/** Reports which files of a folder do not go into an image or an action's code, and how to include them. */
import type { LeftOut } from '../images/index.ts';
import type { Io } from './io.ts';
import { printableLine } from './printable.ts';

/** Further files are only counted. */
const namedFiles = 10;
const history = /(?:^|\/)\.(?:git|hg|svn|bzr)$/;

/** Warns about each file that may hold secrets, since the code may need it; lists the others on one line. */
export function sayLeftOut(io: Pick<Io, 'note'>, leftOut: readonly LeftOut[]): void {
  const isSecret = ({ path, reason }: LeftOut) => reason === 'secret' && !history.test(path);
  const secrets = leftOut.filter(isSecret);
  for (const { path } of secrets.slice(0, namedFiles))
    io.note(
      printableLine(`warning: left out ${path}, which may hold secrets; !${path} in .wardignore puts it in`),
    );
  if (secrets.length > namedFiles)
    io.note(`warning: left out ${secrets.length - namedFiles} more such files`);
  const folders = new Set(leftOut.map(({ path }) => path));
  const others = leftOut.filter(
    (each) =>
      !isSecret(each) && each.reason !== 'build' && !foldersAbove(each.path).some((at) => folders.has(at)),
  );
  if (others.length === 0) return;
  const named = others.slice(0, namedFiles).map(({ path }) => path);
  const more = others.length > namedFiles ? ` and ${others.length - namedFiles} more` : '';
  io.note(printableLine(`left out: ${named.join(', ')}${more}`));
}

function foldersAbove(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, at) => parts.slice(0, at + 1).join('/'));
}

/** Paths of the databases of package managers. A link there could lead a scanner past them. */
import { apkDatabases } from './apk.ts';
import { osReleasePaths } from './os-release.ts';
import { rpmFolders } from './rpm/rpm.ts';

/** Package databases of all distributions. */
const databases = [
  'var/lib/dpkg/status',
  'var/lib/dpkg/status.d',
  ...apkDatabases,
  ...rpmFolders.flatMap((folder) => [`${folder}Packages`, `${folder}Packages.db`, `${folder}rpmdb.sqlite`]),
];
const expected = new Set([...databases, ...osReleasePaths].flatMap(withFolders));

/** Whether the path is a database or a folder above one. */
export function isDatabasePath(path: string): boolean {
  return expected.has(path);
}

/** Whether the path is a C library or loader. If one exists, so does a distribution, even if the rest was deleted. */
export function isSystemLibrary(path: string): boolean {
  return /(?:^|\/)(?:ld-linux[\w.-]*\.so\.\d|ld-musl-\w+\.so\.1|libc\.so\.6)$/.test(path);
}

function withFolders(path: string): string[] {
  const parts = path.split('/');
  return parts.map((_, at) => parts.slice(0, at + 1).join('/'));
}

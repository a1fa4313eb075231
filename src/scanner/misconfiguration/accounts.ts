/** What is wrong with the users in `/etc/passwd` and `/etc/shadow`. Sources: passwd(5), shadow(5). */

/** Names of users other than root with the id 0. */
export function extraRootUsers(passwd: string): readonly string[] {
  return linesOf(passwd).flatMap(([name = '', , uid = '']) =>
    name !== 'root' && /^0+$/.test(uid) ? [name] : [],
  );
}

/** Names of users whose password is empty, rather than locked or elsewhere. */
export function usersWithoutPassword(file: string): readonly string[] {
  return linesOf(file).flatMap(([name = '', password]) => (name !== '' && password === '' ? [name] : []));
}

function linesOf(file: string): readonly (readonly string[])[] {
  return file
    .split('\n')
    .filter((line) => line.includes(':') && !line.startsWith('#'))
    .map((line) => line.split(':', 4));
}

/**
 * Parses refusals of AppArmor and SELinux in the kernel's log. The kernel writes ambiguous names in hexadecimal, so a
 * sandbox can't forge a line; but it chooses the names.
 */

export interface Denial {
  /** A text for people. */
  readonly detail: string;
  /** The profile of AppArmor. */
  readonly profile?: string | undefined;
  /** The SELinux label of the process. */
  readonly label?: string | undefined;
  /** The user id on the host, where the line has one: AppArmor logs it for files only. */
  readonly uid?: number | undefined;
}

/** Returns undefined for any other line. */
export function parseDenial(line: string): Denial | undefined {
  if (line.includes('apparmor="DENIED"')) return apparmorDenial(line);
  const avc = /avc:\s+denied\s+\{ ([^}]+) \} for /.exec(line);
  return avc ? selinuxDenial(line, avc[1] ?? '') : undefined;
}

function apparmorDenial(line: string): Denial | undefined {
  const profile = fieldOf(line, 'profile');
  if (profile === undefined) return undefined;
  const uid = fieldOf(line, 'fsuid');
  const what = [
    fieldOf(line, 'operation'),
    fieldOf(line, 'name'),
    fieldOf(line, 'denied_mask'),
    fieldOf(line, 'family'),
    fieldOf(line, 'capname'),
  ];
  return { detail: `AppArmor: ${told(what)}`, profile, uid: uid === undefined ? undefined : Number(uid) };
}

function selinuxDenial(line: string, permissions: string): Denial | undefined {
  const label = fieldOf(line, 'scontext');
  if (label === undefined || fieldOf(line, 'permissive') === '1') return undefined;
  const what = [permissions, fieldOf(line, 'path') ?? fieldOf(line, 'name'), fieldOf(line, 'tclass')];
  return { detail: `SELinux: ${told(what)}`, label };
}

function told(words: readonly (string | undefined)[]): string {
  return words.filter((word) => word !== undefined).join(' ');
}

/** `key="value"`, or a bare word. */
function fieldOf(line: string, key: string): string | undefined {
  const [, quoted, bare] = new RegExp(`(?:^|\\s)${key}=(?:"([^"]*)"|(\\S+))`).exec(line) ?? [];
  return quoted ?? bare;
}

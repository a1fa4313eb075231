/**
 * Matches paths without a leading slash by globs: `*` and `?` within a name, `**` for any number of folders. The time is at
 * most proportional to the product of both lengths.
 */

export type PathTest = (path: string) => boolean;

/** Returns a test that is true if any of the globs matches. */
export function anyGlob(globs: readonly string[]): PathTest {
  const known = globs.map((glob) => ({ needle: needleOf(glob), parts: glob.split('/') }));
  return (path) => {
    const candidates = known.filter(({ needle }) => path.includes(needle));
    if (candidates.length === 0) return false;
    const parts = path.split('/');
    return candidates.some((glob) => fitsParts(glob.parts, parts));
  };
}

/** The longest text that every matching path contains, to rule out other paths quickly. */
function needleOf(glob: string): string {
  const texts = glob.replaceAll('**/', '*').replaceAll('/**', '*').split(/[*?]/);
  return texts.reduce((longest, text) => (text.length > longest.length ? text : longest), '');
}

function fitsParts(glob: readonly string[], parts: readonly string[]): boolean {
  /** Indexes in the path at which the rest may begin. */
  let open = new Set([0]);
  for (const name of glob) {
    const next = new Set<number>();
    if (name === '**') {
      const first = Math.min(...open);
      for (let at = first; at <= parts.length; at++) next.add(at);
    } else {
      for (const at of open) {
        const part = parts[at];
        if (part !== undefined && fitsName(name, part)) next.add(at + 1);
      }
    }
    if (next.size === 0) return false;
    open = next;
  }
  return open.has(parts.length);
}

/** Backtracks only to the last star. */
function fitsName(glob: string, name: string): boolean {
  let [at, from] = [0, 0];
  let [star, starFrom] = [-1, 0];
  while (from < name.length) {
    if (glob[at] === '*') {
      star = at++;
      starFrom = from;
    } else if (glob[at] === '?' || (glob[at] === name[from] && at < glob.length)) {
      at++;
      from++;
    } else if (star >= 0) {
      at = star + 1;
      from = ++starFrom;
    } else return false;
  }
  while (glob[at] === '*') at++;
  return at === glob.length;
}

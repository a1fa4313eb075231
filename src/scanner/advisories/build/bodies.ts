/** What is stored of an advisory beside the columns that are asked for: JSON without what is empty, which is most of it. */
import type { Advisory, Affected } from '../record.ts';

export function bodyOfAdvisory({
  aliases,
  upstream,
  title,
  url,
  published,
  malicious,
  ratings,
}: Advisory): string {
  return JSON.stringify({
    aliases: unlessEmpty(aliases),
    upstream: unlessEmpty(upstream),
    title,
    url,
    published,
    malicious: malicious || undefined,
    ratings: unlessEmpty(ratings),
  });
}

export function bodyOfAffected({ ranges, versions, constraint, status, module, ratings }: Affected): string {
  return JSON.stringify({
    ranges: unlessEmpty(ranges),
    versions: unlessEmpty(versions),
    constraint,
    status,
    module,
    ratings: unlessEmpty(ratings),
  });
}

function unlessEmpty<Item>(list: readonly Item[]): readonly Item[] | undefined {
  return list.length === 0 ? undefined : list;
}

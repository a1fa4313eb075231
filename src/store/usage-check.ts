/**
 * Compares what was counted of each namespace and day with the records that are still there. Days before the newest
 * record that retention removed may have more than their records, but never less. The same SQL on both engines.
 */

/** A query for the first differing days. Each of its rows is for `usageProblem`. */
export function differingUsage(most: number): string {
  const dayMs = 86_400_000;
  const sum = (of: string) => `cast(coalesce(sum(${of}), 0) as bigint)`;
  const measures = ['mib_ms', 'cold_starts', 'sent_bytes', 'received_bytes'];
  const differ = (how: string) => measures.map((name) => `said.${name} ${how} found.${name}`).join(' or ');
  const exact = `said.calls - said.unrecorded <> found.calls or said.unrecorded = 0 and (${differ('<>')})`;
  const least = `said.calls < found.calls or ${differ('<')}`;
  return `
    with said as (
      select namespaces.name, day, calls, unrecorded, ${measures.join(', ')}
        from usage_days join namespaces on namespace = name and born = created_at),
    found as (
      select namespace as name, start / ${dayMs} as day, count(*) as calls,
          ${sum('mib_ms')} as mib_ms, ${sum('cold')} as cold_starts,
          ${sum('sent_bytes')} as sent_bytes, ${sum('received_bytes')} as received_bytes
        from activations where mib_ms is not null group by 1, 2),
    days as (select name, day from said union select name, day from found)
    select days.name, days.day, coalesce(said.calls - said.unrecorded, 0) as calls,
        coalesce(found.calls, 0) as found_calls, coalesce(said.mib_ms, 0) as mib_ms,
        coalesce(found.mib_ms, 0) as found_mib_ms,
        coalesce(said.sent_bytes + said.received_bytes, 0) as bytes,
        coalesce(found.sent_bytes + found.received_bytes, 0) as found_bytes
      from days
        left join said on said.name = days.name and said.day = days.day
        left join found on found.name = days.name and found.day = days.day
        left join activation_counts as counts on counts.namespace = days.name
      where case
        when said.calls is null then true
        when coalesce(counts.last_deleted_start, -1) / ${dayMs} >= days.day then found.calls is not null and (${least})
        when found.calls is null then said.calls <> said.unrecorded
        else ${exact} end
      order by 2, 1 limit ${most}`;
}

/**
 * A query for days on which targets have more bytes than the usage of the day. They may have less: servers of older
 * releases do not count them. Each of its rows is for `egressProblem`.
 */
export function excessEgress(most: number): string {
  return `
    select said.namespace as name, said.day, said.bytes, coalesce(sent_bytes + received_bytes, 0) as found_bytes
      from (select namespace, day, cast(sum(sent_bytes + received_bytes) as bigint) as bytes
          from usage_egress group by 1, 2) as said
        join namespaces on name = said.namespace
        left join usage_days as used on used.day = said.day and used.namespace = name and born = created_at
      where bytes > coalesce(sent_bytes + received_bytes, 0)
      order by 2, 1 limit ${most}`;
}

export function egressProblem(row: Readonly<Record<string, unknown>>): string {
  return (
    `namespace ${row['name']}: the targets of ${dateOf(row)} have ${row['bytes']} bytes, ` +
    `the usage of that day has ${row['found_bytes']}`
  );
}

export function usageProblem(row: Readonly<Record<string, unknown>>): string {
  return (
    `namespace ${row['name']}: the usage of ${dateOf(row)} has ${row['calls']} recorded calls, ${row['mib_ms']} MiB ms and ` +
    `${row['bytes']} bytes of traffic, the records have ${row['found_calls']}, ${row['found_mib_ms']} and ${row['found_bytes']}`
  );
}

function dateOf({ day }: Readonly<Record<string, unknown>>): string {
  return new Date(Number(day) * 86_400_000).toISOString().slice(0, 10);
}

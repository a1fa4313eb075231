/**
 * Sends the audit log to a syslog server, entry after entry. How far it came is in the database: after a restart it goes on
 * there. A message that was sent but not noted is sent again with the same number, so a reader sees doubles and gaps.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type SyslogMessage, type SyslogServer, sendSyslog } from '../../forwarding/index.ts';
import type { AuditEntry, GateStore } from '../../gate/index.ts';
import { type Log, messageOf } from '../../lib/index.ts';
import type { SentEntries } from '../../store/index.ts';

interface AuditSyslogOptions {
  readonly server: SyslogServer;
  readonly chain: Pick<GateStore, 'searchAudit'>;
  readonly sent: SentEntries;
  /** False while another server of this cluster does this work. */
  readonly isTurn: () => Promise<boolean>;
  readonly log: Log;
  readonly timing?: Partial<Timing>;
}

interface Timing {
  readonly lookEveryMs: number;
  readonly longestPauseMs: number;
  readonly sendMs: number;
}

export interface AuditSyslog extends AsyncDisposable {
  /** New entries are there. */
  look(): void;
}

const usualTiming: Timing = { lookEveryMs: 10_000, longestPauseMs: 60_000, sendMs: 10_000 };
const firstPauseMs = 1_000;
const entriesAtOnce = 200;
/** Facility 13, which RFC 5424 has for audits, and the severity of notices. */
const priority = 13 * 8 + 5;

/** Begins with what comes next; `ward audit export --syslog` sends what is there already. */
export function startAuditSyslog(options: AuditSyslogOptions): AuditSyslog {
  const timing = { ...usualTiming, ...options.timing };
  const ending = new AbortController();
  let wake = Promise.withResolvers<void>();
  const running = work();
  return {
    look: () => wake.resolve(),
    async [Symbol.asyncDispose]() {
      ending.abort();
      wake.resolve();
      await running;
    },
  };

  async function work(): Promise<void> {
    const { server, log } = options;
    for (let failures = 0; !ending.signal.aborted; ) {
      wake = Promise.withResolvers<void>();
      try {
        if (await options.isTurn()) await sendNew(options, timing.sendMs, ending.signal);
        if (failures > 0) log.info({ server: server.address }, 'the audit log is sent to syslog again');
        failures = 0;
        await Promise.race([wake.promise, pause(timing.lookEveryMs)]);
      } catch (error) {
        if (failures++ === 0 && !ending.signal.aborted) {
          const reason = messageOf(error);
          log.error({ server: server.address, reason }, 'entries of the audit log wait: syslog takes none');
        }
        await pause(Math.min(timing.longestPauseMs, firstPauseMs * 2 ** (failures - 1)));
      }
    }
  }

  async function pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { ref: false, signal: ending.signal }).catch(() => {});
  }
}

export function syslogMessageOf(entry: AuditEntry): SyslogMessage {
  const { seq, time, event, actor, hash } = entry;
  return {
    priority,
    micros: Date.parse(time) * 1000,
    id: 'audit',
    data: { seq: String(seq), event, actor, hash },
    text: JSON.stringify(entry),
  };
}

async function sendNew(options: AuditSyslogOptions, sendMs: number, ending: AbortSignal): Promise<void> {
  const { server, chain, sent, log } = options;
  let known = await sentUpTo(options);
  for (let after: number | undefined = known; after !== undefined; ) {
    const { entries, next } = await chain.searchAudit({ after, limit: entriesAtOnce });
    const [first] = entries;
    const last = entries.at(-1);
    if (first !== undefined && last !== undefined) {
      if (first.seq > known + 1)
        log.error(
          { after: known, before: first.seq },
          'entries of the audit log are gone, and were not sent',
        );
      const signal = AbortSignal.any([AbortSignal.timeout(sendMs), ending]);
      await sendSyslog(server, entries.map(syslogMessageOf), signal);
      await sent.advance(server.address, last.seq);
      known = last.seq;
    }
    after = next;
  }
}

/** Of a new server it notes the newest entry, so that it gets those after it, also if it can't be reached at first. */
async function sentUpTo({
  server: { address },
  chain,
  sent,
  log,
}: Pick<AuditSyslogOptions, 'server' | 'chain' | 'sent' | 'log'>): Promise<number> {
  const last = await sent.last(address);
  const { entries } = await chain.searchAudit({ isNewestFirst: true, limit: 1 });
  const newest = entries[0]?.seq ?? 0;
  if (last === undefined) {
    await sent.advance(address, newest);
    return newest;
  }
  if (last <= newest) return last;
  // The gate's database was lost or is an older one. Too much is better than too little.
  log.warn(
    { server: address, after: last, newest },
    'the audit log has begun anew, and is sent from its start',
  );
  await sent.restart(address, last);
  return 0;
}

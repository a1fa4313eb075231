/** Metrics whose values are read at each scrape. */
import { setTimeout as delay } from 'node:timers/promises';
import { Gauge, type Registry } from 'prom-client';
import type { ClusterCounts, HeardNode, InvokerStatus } from '../../../dispatch/index.ts';
import type { AcceptedCounts, Recording } from '../../../store/index.ts';
import type { CertificateReport } from '../../acme/acme.ts';
import type { AdvisoriesAge } from '../../advisories/age.ts';
import type { DiskStatus } from '../disk-reserve.ts';
import { watchIssued } from './issued-certificates.ts';
import { watchMessages, watchNodes } from './node-gauges.ts';

/** Functions passed to the methods are called at each scrape. */
export interface Gauges {
  watchInvoker(status: () => InvokerStatus): void;
  watchAdvisories(age: () => Omit<AdvisoriesAge, 'warning'>): void;
  watchDisk(status: () => DiskStatus): void;
  watchCertificate(until: () => Date | undefined, issued?: () => readonly CertificateReport[]): void;
  watchDamage(count: () => number): void;
  watchLeftBehind(count: () => number): void;
  watchRecording(recording: Recording): void;
  watchQueue(counts: () => Promise<AcceptedCounts>): void;
  watchNodes(heard: () => readonly HeardNode[]): void;
  watchMessages(counts: () => ClusterCounts): void;
}

const mebibyte = 1024 * 1024;
const longestCountMs = 1_000;

export function gaugesOf(registry: Registry): Gauges {
  return {
    watchInvoker: (status) => watchInvoker(registry, status),
    watchAdvisories: (age) => watchAdvisories(registry, age),
    watchDisk: (status) => watchDisk(registry, status),
    watchCertificate: (until, issued) => watchCertificate(registry, until, issued),
    watchDamage: (damaged) => watchDamage(registry, damaged),
    watchLeftBehind: (left) => watchLeftBehind(registry, left),
    watchRecording: (recording) => watchRecording(registry, recording),
    watchQueue: (counts) => watchQueue(registry, counts),
    watchNodes: (heard) => watchNodes(registry, heard),
    watchMessages: (counts) => watchMessages(registry, counts),
  };
}

function watchInvoker(registry: Registry, status: () => InvokerStatus): void {
  const registers = [registry];
  // The first gauge of a scrape reads the status for all five.
  const queued = new Gauge({
    name: 'ward_queue_length',
    help: 'Activations that wait for a sandbox',
    registers,
    collect() {
      const now = status();
      queued.set(now.queued);
      for (const [state, count] of Object.entries(now.sandboxes)) sandboxes.set({ state }, count);
      memory.set(now.memoryMiB * mebibyte);
      limit.set(now.memoryLimitMiB * mebibyte);
      used.set((now.memoryUsedMiB ?? 0) * mebibyte);
    },
  });
  const sandboxes = new Gauge({
    name: 'ward_sandboxes',
    help: 'Sandboxes by state; idle ones can be frozen',
    labelNames: ['state'],
    registers,
  });
  const memory = new Gauge({
    name: 'ward_sandbox_memory_bytes',
    help: 'Memory promised to sandboxes, including those that are starting',
    registers,
  });
  const limit = new Gauge({
    name: 'ward_sandbox_memory_limit_bytes',
    help: 'Limit of the memory of all sandboxes together',
    registers,
  });
  const used = new Gauge({
    name: 'ward_sandbox_memory_used_bytes',
    help: 'Memory that sandboxes use, with their page cache',
    registers,
  });
}

function watchAdvisories(registry: Registry, age: () => Omit<AdvisoriesAge, 'warning'>): void {
  const registers = [registry];
  const count = new Gauge({
    name: 'ward_advisories',
    help: 'Advisories that scans use',
    registers,
    collect() {
      const now = age();
      count.set(now.count);
      sinceChange.set(now.ageSeconds ?? -1);
      sinceCheck.set(now.checkedSeconds ?? -1);
      failed.set(now.failed.length);
      behind.set(now.isBehind ? 1 : 0);
    },
  });
  const behind = new Gauge({
    name: 'ward_advisories_behind',
    help: '1 while other nodes of the cluster share later advisories than this one has',
    registers,
  });
  const sinceChange = new Gauge({
    name: 'ward_advisories_age_seconds',
    help: 'Time since the newest advisory was changed; -1 without advisories, or when they have no time',
    registers,
  });
  const sinceCheck = new Gauge({
    name: 'ward_advisories_checked_seconds',
    help: 'Time since Ward fetched the source that waits longest, or found it unchanged; -1 without sources',
    registers,
  });
  const failed = new Gauge({
    name: 'ward_advisories_failed_sources',
    help: 'Sources that failed at the last update of all sources',
    registers,
  });
}

/** A server that speaks plain HTTP has no such figure. */
function watchCertificate(
  registry: Registry,
  until: () => Date | undefined,
  issued?: () => readonly CertificateReport[],
): void {
  if (until() === undefined) return;
  const end = new Gauge({
    name: 'ward_certificate_not_after_seconds',
    help: 'When the certificate in use expires, in seconds since 1970',
    registers: [registry],
    collect() {
      end.set((until()?.getTime() ?? 0) / 1000);
    },
  });
  if (issued === undefined) return;
  const failed = new Gauge({
    name: 'ward_certificate_failed_renewals',
    help: 'Attempts to get the certificate of the server by ACME that have failed since the last success',
    registers: [registry],
    collect() {
      failed.set(issued().find(({ isDomain }) => !isDomain)?.failures ?? 0);
    },
  });
  watchIssued(registry, issued);
}

function watchDamage(registry: Registry, count: () => number): void {
  const damaged = new Gauge({
    name: 'ward_damaged_parts',
    help: 'Unpacked layers and files of advisories that the last check found changed',
    registers: [registry],
    collect() {
      damaged.set(count());
    },
  });
}

function watchLeftBehind(registry: Registry, count: () => number): void {
  const left = new Gauge({
    name: 'ward_sandboxes_left',
    help: 'Sandboxes that have ended but could not be removed yet; Ward tries again',
    registers: [registry],
    collect() {
      left.set(count());
    },
  });
}

function watchRecording(registry: Registry, recording: Recording): void {
  const registers = [registry];
  const isRecording = new Gauge({
    name: 'ward_recording',
    help: '1, or 0 while the disk takes no records of calls: from the first failed write to the next successful one',
    registers,
    collect() {
      isRecording.set(recording.trouble() === undefined ? 1 : 0);
      waiting.set(recording.waiting());
    },
  });
  const waiting = new Gauge({
    name: 'ward_records_waiting',
    help: 'Writes that wait in memory for the disk, mostly records',
    registers,
  });
}

/** Both gauges are NaN while the database does not answer, since a scrape must not wait for it. */
function watchQueue(registry: Registry, counts: () => Promise<AcceptedCounts>): void {
  const registers = [registry];
  // The first gauge of a scrape asks for both.
  let answer: Promise<AcceptedCounts | undefined> | undefined;
  const waiting = new Gauge({
    name: 'ward_accepted_waiting',
    help: 'Accepted calls in the database, of all nodes, that no node has begun',
    registers,
    async collect() {
      const late = delay(longestCountMs, undefined, { ref: false });
      answer = Promise.race([counts().catch(() => undefined), late]);
      waiting.set((await answer)?.waiting ?? Number.NaN);
    },
  });
  const oldest = new Gauge({
    name: 'ward_accepted_oldest_seconds',
    help: 'Age of the oldest of them; 0 when there are none',
    registers,
    async collect() {
      const known = await answer;
      oldest.set(known === undefined ? Number.NaN : (known.oldestWaitingMs ?? 0) / 1000);
    },
  });
}

function watchDisk(registry: Registry, status: () => DiskStatus): void {
  const registers = [registry];
  const free = new Gauge({
    name: 'ward_disk_free_bytes',
    help: 'Free space on the disk of the data folder',
    registers,
    collect() {
      const now = status();
      free.set(now.freeBytes);
      reserve.set(now.reserveBytes);
    },
  });
  const reserve = new Gauge({
    name: 'ward_disk_reserve_bytes',
    help: 'Space that tenants can’t use: below it they can’t write, below half of it Ward refuses calls',
    registers,
  });
}

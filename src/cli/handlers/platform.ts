/** `ward up`, `ward doctor`. */
import { formatSize } from '../../lib/index.ts';
import type { AdvisoriesAge, DiskStatus, OwnMemoryStatus } from '../../server/index.ts';
import { certificateText } from '../certificate-text.ts';
import type { Handler } from '../command-spec.ts';
import type { Io } from '../io.ts';
import { localOptions, openServer } from '../local.ts';
import { aloneText, differencesOf } from './nodes.ts';

export const up: Handler = async (input) => {
  const listen = input.text('listen');
  const server = await openServer();
  const acceptMissing = server.dataParts.filter((part) => input.texts('acceptMissing').includes(part));
  return server.up({
    ...localOptions(input),
    ...(listen === undefined ? {} : { listen }),
    ...(input.has('accessLog') ? { accessLog: true } : {}),
    ...(input.has('console') ? {} : { console: false }),
    role: roleOf(input.text('role')),
    join: input.has('join') ? input.texts('join') : undefined,
    token: input.text('token'),
    tokenFile: input.text('tokenFile'),
    acceptMissing,
    acceptMixed: input.has('acceptMixed'),
    takeOver: input.has('takeOver'),
  });
};

function roleOf(text: string | undefined): 'all' | 'api' | 'invoker' {
  return text === 'api' || text === 'invoker' ? text : 'all';
}

export const doctor: Handler = async (input, context) => {
  const blobs = input.text('blobs');
  if (blobs !== undefined) return doctorOfBlobs(blobs, context.io);
  const runtime = input.text('runtime');
  const server = await openServer();
  const report = await server.doctor({
    ...localOptions(input),
    ...(runtime === undefined ? {} : { runtime }),
  });
  const { io } = context;
  const runtimes = Object.entries(report.runtimes).map(([name, version]) => `${name} ${version}`);
  io.note(`kernel ${report.kernel}; cgroups ${report.cgroups}; runtimes ${runtimes.join(', ') || 'none'}`);
  const rows = [...report.rows, ...report.processes];
  await io.list({
    items: rows,
    data: report,
    columns: [
      { title: 'mechanism', cell: (row) => row.name },
      { title: 'vector', cell: (row) => row.vector },
      { title: 'required', cell: (row) => (row.required ? 'yes' : 'no') },
      { title: 'available', cell: (row) => (row.available ? 'yes' : 'no') },
      { title: 'proven', cell: (row) => row.proven },
      { title: 'chosen', cell: (row) => row.chosen },
      { title: 'evidence', cell: (row) => row.evidence, isWide: true },
    ],
    name: (row) => row.name,
  });
  for (const { runtime, version, id, title, answer } of report.advisories.filter(({ refused }) => !refused))
    io.note(
      `known: ${runtime} ${version}: ${id}: ${title}; ${answer === '' ? 'open' : `answered: ${answer}`}`,
    );
  for (const { setting, value, recommended, why } of report.advice)
    io.note(`advice: ${setting} is ${value}, better ${recommended}: ${why}`);
  io.note(`advisories: ${advisoriesText(report.scanAdvisories)}`);
  if (report.disk !== undefined) io.note(`disk: ${diskText(report.disk)}`);
  io.note(`memory: ${memoryText(report.memory)}`);
  if (report.judging !== undefined) {
    for (const difference of differencesOf(report.judging)) io.note(`warning: ${difference}`);
    if (report.judging.alone.length > 0) io.note(`warning: ${aloneText(report.judging.alone)}`);
  }
  for (const each of report.certificates) {
    const isWell = !each.isUrgent && each.error === null;
    io.note(`${isWell ? 'certificate' : 'warning: certificate'} ${certificateText(each)}`);
  }
  for (const row of rows)
    if (row.required && row.proven !== 'yes')
      io.problem('MECHANISM_MISSING', `${row.name}: ${row.evidence || row.chosen}`);
  for (const { runtime, version, id, title } of report.advisories.filter(({ refused }) => refused))
    io.problem('RUNTIME_VULNERABLE', `${runtime} ${version}: ${id}: ${title}`);
  if (report.ok) io.ok('everything that the policy requires works on this host');
  return report.ok ? 0 : 1;
};

async function doctorOfBlobs(url: string, io: Io): Promise<number> {
  const report = await (await openServer()).probeBlobsAt(url);
  io.note(`store ${report.place}`);
  await io.list({
    items: report.probes,
    data: report,
    columns: [
      { title: 'probe', cell: (probe) => probe.name },
      { title: 'required', cell: (probe) => (probe.isRequired ? 'yes' : 'no') },
      { title: 'result', cell: (probe) => probe.result },
      { title: 'needed for', cell: (probe) => probe.neededFor },
      { title: 'evidence', cell: (probe) => probe.evidence, isWide: true },
    ],
    name: (probe) => probe.name,
  });
  for (const { name, isRequired, result, evidence } of report.probes)
    if (isRequired && result === 'failed') io.problem('BLOB_STORE_UNFIT', `${name}: ${evidence}`);
  if (report.ok) io.ok('the store does everything that Ward needs');
  return report.ok ? 0 : 1;
}

function advisoriesText({ warning, count, ageSeconds = 0, checkedSeconds = 0 }: AdvisoriesAge): string {
  const age = `the newest ${Math.floor(ageSeconds / 86_400)} days old`;
  return warning ?? `${count}, ${age}, all looked for within ${Math.ceil(checkedSeconds / 3600)} h`;
}

function memoryText({ neededBytes, allowedBytes, isLimited, isEnough }: OwnMemoryStatus): string {
  const allows = `${isLimited ? 'this control group allows' : 'the machine has'} ${formatSize(allowedBytes)}`;
  return `Ward's own processes need ${formatSize(neededBytes)}, ${allows}: ${isEnough ? 'enough' : 'too little'}`;
}

function diskText({ freeBytes, reserveBytes, state }: DiskStatus): string {
  const room = `${formatSize(freeBytes)} free, ${formatSize(reserveBytes)} of it in reserve`;
  if (state === 'ample') return room;
  return `${room}: tenants ${state === 'short' ? 'write nothing' : 'write and call nothing'} until there is more`;
}

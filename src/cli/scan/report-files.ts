/** The files that a scan's reports go to: one that was named, or one for each format in a folder. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../lib/index.ts';
import { formatReport, type JudgedReport, type ReportFormat, reportFormats } from '../../scanner/index.ts';
import { cliFault } from '../faults.ts';
import type { Io } from '../io.ts';

/** By the names that CI systems look for, or that say what is in them. */
export const reportFiles: Readonly<Record<ReportFormat, string>> = {
  json: 'report.json',
  sarif: 'report.sarif',
  junit: 'junit.xml',
  gitlab: 'gl-container-scanning-report.json',
  cyclonedx: 'sbom.cdx.json',
  spdx: 'sbom.spdx.json',
};

/**
 * Makes the folder, and takes away what an earlier scan left there: a scan that fails must not be told by the reports of
 * another. All else in the folder stays.
 * @throws Fault FILE_NOT_WRITTEN
 */
export async function clearReports(dir: string): Promise<void> {
  await orNotWritten(dir, async () => {
    await mkdir(dir, { recursive: true });
    for (const name of Object.values(reportFiles)) await rm(join(dir, name), { force: true });
  });
}

/** @throws Fault FILE_NOT_WRITTEN */
export async function writeReports(dir: string, judged: JudgedReport, io: Io): Promise<void> {
  for (const format of reportFormats)
    await writeReport(join(dir, reportFiles[format]), formatReport(format, judged), io);
}

/** @throws Fault FILE_NOT_WRITTEN */
export async function writeReport(file: string, text: string, io: Io): Promise<void> {
  await orNotWritten(file, () => writeFile(file, text));
  io.ok(`wrote ${file}`);
}

async function orNotWritten(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    throw cliFault('FILE_NOT_WRITTEN', `${path} could not be written: ${messageOf(cause)}`, { cause });
  }
}

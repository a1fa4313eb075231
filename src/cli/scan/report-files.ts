/** The files that a scan's reports go to: one named file, or one for each format in a folder. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../lib/index.ts';
import { formatReport, type JudgedReport, type ReportFormat, reportFormats } from '../../scanner/index.ts';
import { cliFault } from '../faults.ts';
import type { Io } from '../io.ts';

/** Names that CI systems look for, or that describe the content. */
export const reportFiles: Readonly<Record<ReportFormat, string>> = {
  json: 'report.json',
  sarif: 'report.sarif',
  junit: 'junit.xml',
  gitlab: 'gl-container-scanning-report.json',
  cyclonedx: 'sbom.cdx.json',
  spdx: 'sbom.spdx.json',
};

/**
 * Creates the folder, and removes the reports of an earlier scan, so that they are not mistaken for those of a scan
 * that fails. Everything else in the folder stays.
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

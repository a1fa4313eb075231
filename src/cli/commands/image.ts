/** `ward image`: what is in images, and whether it may be deployed. */
import type { CommandSpec, GroupSpec } from '../command-spec.ts';
import { reportOptions } from './common-options.ts';
import { imageBuildCommand } from './image-build.ts';
import { deleteImageCommand, listImagesCommand, reportCommand } from './image-registry.ts';
import { keygenCommand, signCommand, verifyCommand } from './image-trust.ts';

const scan: CommandSpec = {
  name: 'scan',
  summary: 'say what is in an image, a folder or an SBOM, and whether the policy allows it',
  works: 'local',
  // CI systems tell three outcomes apart: 0 clean, 1 the policy is broken, 2 not judged.
  errorExitCode: 2,
  args: [
    {
      name: '<target>',
      summary:
        'NAME:TAG in Ward’s store, oci:DIR[:TAG], archive:FILE[:TAG], rootfs:DIR, or the path of a tar of `docker save`, an OCI layout, a folder, an SBOM; - is a tar or an SBOM on standard input',
    },
  ],
  options: [
    {
      flags: '--fail-on <SEVERITY>',
      summary: 'allow no vulnerability of this severity or above',
      choices: ['unknown', 'none', 'low', 'medium', 'high', 'critical'],
    },
    { flags: '--ignore-unfixed', summary: 'leave out vulnerabilities that no version fixes' },
    {
      flags: '--policy <FILE>',
      summary: 'judge by this policy instead of the one in force on this machine, or Ward’s own',
    },
    { flags: '--namespace <NAME>', summary: 'the namespace whose rules count (guest)' },
    {
      flags: '--new-only',
      summary: 'judge only what a base or an earlier report does not have, and say how much it has',
    },
    {
      flags: '--base <TARGET>',
      summary: 'with --new-only: what it is compared with, named as the target is; scanned in the same way',
    },
    {
      flags: '--base-report <FILE>',
      summary:
        'with --new-only: an earlier report of ward image scan -o json, looked up in the current advisories',
    },
    {
      flags: '--vex <FILE>',
      summary: 'a VEX document (OpenVEX, CycloneDX) that says what does not matter here',
      takes: 'many',
    },
    ...reportOptions,
    { flags: '--explain <ID>', summary: 'tell all that is known of one finding, by its id or another name' },
    { flags: '--no-malware', summary: 'leave malware out' },
    { flags: '--no-secrets', summary: 'leave secrets out' },
    { flags: '--no-misconfiguration', summary: 'leave out what is set up badly' },
    { flags: '--platform <OS/ARCH>', summary: 'which image of an index: linux/arm64 (this machine’s)' },
    {
      flags: '--rules <DIR>',
      summary: 'files of rules that replace Ward’s own by name; further .yar files come in addition',
    },
    {
      flags: '--advisories <FILE>',
      summary: 'the file of advisories; without it, the one in the data folder',
    },
  ],
  examples: [
    {
      command: 'ward image scan oci:./image',
      does: 'exit code 1 when the policy is broken, 2 when it could not be judged',
    },
    {
      command: 'ward image scan image.tar --fail-on high --ignore-unfixed',
      does: 'with a threshold instead of a policy',
    },
    {
      command: 'ward image scan oci:./image --format sarif --output report.sarif',
      does: 'a report for another program',
    },
    {
      command: 'ward image scan image.tar --reports ./reports',
      does: 'the table, and all reports by one scan',
    },
    {
      command: 'ward image scan image.tar --new-only --base-report main.json',
      does: 'by what a change brings, compared with the report of the main branch',
    },
    {
      command: 'ward image scan python:3.13 --explain CVE-2025-1234',
      does: 'why it is there, and what to do',
    },
  ],
  handler: async () => (await import('../handlers/image-scan.ts')).scan,
};

export const imageGroup: GroupSpec = {
  name: 'image',
  summary: 'images: what is in them, and whether they may be deployed',
  commands: [
    scan,
    imageBuildCommand,
    listImagesCommand,
    reportCommand,
    deleteImageCommand,
    keygenCommand,
    signCommand,
    verifyCommand,
  ],
};

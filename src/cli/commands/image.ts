/** `ward image`: the content of images, and whether the policy allows them. */
import type { CommandSpec, GroupSpec } from '../command-spec.ts';
import { reportOptions } from './common-options.ts';
import { imageBuildCommand } from './image-build.ts';
import { deleteImageCommand, listImagesCommand, reportCommand } from './image-registry.ts';
import { keygenCommand, signCommand, verifyCommand } from './image-trust.ts';

const scan: CommandSpec = {
  name: 'scan',
  summary: 'show what an image, a folder or an SBOM contains, and whether the policy allows it',
  works: 'local',
  // CI systems tell three outcomes apart: 0 clean, 1 the policy is broken, 2 not judged.
  errorExitCode: 2,
  args: [
    {
      name: '<target>',
      summary:
        'NAME:TAG in Ward’s store, oci:DIR[:TAG], archive:FILE[:TAG], rootfs:DIR, or the path of a tar of `docker save`, an OCI layout, a folder or an SBOM (- for a tar or an SBOM on standard input)',
    },
  ],
  options: [
    {
      flags: '--fail-on <SEVERITY>',
      summary: 'allow no vulnerability of this severity or above',
      choices: ['unknown', 'none', 'low', 'medium', 'high', 'critical'],
    },
    { flags: '--ignore-unfixed', summary: 'ignore vulnerabilities that no version fixes' },
    {
      flags: '--policy <FILE>',
      summary: 'use this policy instead of the current one on this machine, or of Ward’s default',
    },
    { flags: '--namespace <NAME>', summary: 'the namespace whose rules apply (guest)' },
    {
      flags: '--new-only',
      summary: 'judge only findings that a base or an earlier report does not have, and count the others',
    },
    {
      flags: '--base <TARGET>',
      summary:
        'with --new-only: the target to compare with, in the same form as <target>; ward scans it in the same way',
    },
    {
      flags: '--base-report <FILE>',
      summary:
        'with --new-only: an earlier report of ward image scan -o json; ward looks it up in the current advisories',
    },
    {
      flags: '--vex <FILE>',
      summary: 'a VEX document (OpenVEX, CycloneDX) that says which vulnerabilities do not matter here',
      takes: 'many',
    },
    ...reportOptions,
    { flags: '--explain <ID>', summary: 'show all details of one finding, by its id or an alias' },
    { flags: '--no-malware', summary: 'do not look for malware' },
    { flags: '--no-secrets', summary: 'do not look for secrets' },
    { flags: '--no-misconfiguration', summary: 'do not look for misconfigurations' },
    { flags: '--platform <OS/ARCH>', summary: 'the image of an index to use: linux/arm64 (this machine’s)' },
    {
      flags: '--rules <DIR>',
      summary:
        'a folder with rules files that replace Ward’s files of the same name; ward also loads other .yar files there',
    },
    {
      flags: '--advisories <FILE>',
      summary: 'the file of advisories; without it, the one in the data folder',
    },
  ],
  examples: [
    {
      command: 'ward image scan oci:./image',
      does: 'exits with 1 if the policy does not allow the image, 2 if ward could not judge it',
    },
    {
      command: 'ward image scan image.tar --fail-on high --ignore-unfixed',
      does: 'uses a threshold instead of a policy',
    },
    {
      command: 'ward image scan oci:./image --format sarif --output report.sarif',
      does: 'writes a report for another program',
    },
    {
      command: 'ward image scan image.tar --reports ./reports',
      does: 'prints the table and writes all reports from one scan',
    },
    {
      command: 'ward image scan image.tar --new-only --base-report main.json',
      does: 'judges only what a change adds to the report of the main branch',
    },
    {
      command: 'ward image scan python:3.13 --explain CVE-2025-1234',
      does: 'shows why the finding is there, and what to do',
    },
  ],
  handler: async () => (await import('../handlers/image-scan.ts')).scan,
};

export const imageGroup: GroupSpec = {
  name: 'image',
  summary: 'images: their content, and whether the gate lets you deploy them',
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

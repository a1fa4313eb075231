/** Docker's defaults as data (`policies/docker-default.json`), read once. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const rule = z.strictObject({
  names: z.array(z.string()),
  action: z.enum(['SCMP_ACT_ALLOW', 'SCMP_ACT_ERRNO']),
  errnoRet: z.number().optional(),
  args: z
    .array(
      z.strictObject({
        index: z.number(),
        value: z.number(),
        op: z.enum(['SCMP_CMP_EQ', 'SCMP_CMP_LT', 'SCMP_CMP_GT', 'SCMP_CMP_MASKED_EQ']),
      }),
    )
    .optional(),
});

const schema = z.strictObject({
  about: z.array(z.string()),
  capabilities: z.array(z.string()),
  masked: z.array(z.string()),
  readonly: z.array(z.string()),
  seccomp: z.strictObject({ allow: z.array(z.string()), rules: z.array(rule) }),
});

const file = join(import.meta.dirname, '../../../policies/docker-default.json');

export const dockerDefault = schema.parse(JSON.parse(readFileSync(file, 'utf8')));

/** The profile that the engine would use on this architecture, with the compatible ones. */
export function dockerSeccomp(arch: 'x64' | 'arm64') {
  const { allow, rules } = dockerDefault.seccomp;
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 1,
    architectures:
      arch === 'x64'
        ? ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32']
        : ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
    syscalls: [
      { names: allow.flatMap((line) => line.split(' ')), action: 'SCMP_ACT_ALLOW' },
      ...rules.map(({ args, ...rest }) => ({ ...rest, ...(args === undefined ? {} : { args }) })),
    ],
  };
}

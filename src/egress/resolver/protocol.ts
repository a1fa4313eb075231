/** Messages between Ward and the resolver's process: plain data. Every message from the process is hostile. */
import { z } from 'zod';
import { mostAddresses } from './decision.ts';

/** Sent by Ward. The sockets precede them, as messages with a handle: `udp` and `tcp`. */
export type ResolverOrder =
  | {
      readonly order: 'serve';
      readonly slot: number;
      readonly tenant: string;
      /** Host patterns of the sandbox's rules. */
      readonly hosts: readonly string[];
      /** Undefined: the host's own resolvers. */
      readonly resolvers?: readonly string[] | undefined;
    }
  | { readonly order: 'leave'; readonly slot: number }
  | { readonly order: 'mark'; readonly port: number }
  | { readonly order: 'host'; readonly hasIpv6: boolean; readonly resolvers: readonly string[] }
  | {
      readonly order: 'told';
      readonly id: number;
      readonly addresses: readonly string[];
      readonly ttlSeconds: number;
    }
  | { readonly order: 'failed'; readonly id: number };

const slot = z.int().min(1);
const name = z.string().max(1100);

export const reportSchema = z.discriminatedUnion('report', [
  z.strictObject({
    report: z.literal('found'),
    id: z.int(),
    slot,
    name,
    found: z
      .array(
        z.strictObject({
          address: z.string().max(64),
          ttlSeconds: z
            .int()
            .min(0)
            .max(2 ** 32),
        }),
      )
      .max(mostAddresses),
  }),
  z.strictObject({ report: z.literal('refused'), slot, name }),
]);

export type ResolverReport = z.output<typeof reportSchema>;

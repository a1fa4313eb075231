import { decode, encode, type Packet } from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { egressCeilingSchema, grantEgress } from '../grants.ts';
import { parseAddress } from '../networks.ts';
import { parseEgress } from '../rules.ts';
import type { Opening } from '../services.ts';
import { type Answerer, createAnswerer } from './answers.ts';
import { createDecision, mostAddresses } from './decision.ts';
import type { Lookup } from './upstream.ts';

interface Bench {
  readonly answer: Answerer;
  readonly opened: { readonly openings: readonly Opening[]; readonly seconds: number }[];
  readonly asked: string[];
  readonly refused: string[];
}

function bench(
  lookup: Lookup,
  {
    open = async () => {},
    own = ['203.0.113.1', '::1', 'fe80::1'],
    hasIpv6 = false,
    rules = ['*.example.com:443'],
  }: Partial<{
    readonly open: () => Promise<void>;
    readonly own: readonly string[];
    readonly hasIpv6: boolean;
    readonly rules: readonly unknown[];
  }> = {},
): Bench {
  const [opened, asked, refused]: [Bench['opened'], string[], string[]] = [[], [], []];
  const onRefusal = (detail: string) => void refused.push(detail);
  const addresses = own.flatMap((text) => parseAddress(text) ?? []);
  const grants = grantEgress(parseEgress(rules), egressCeilingSchema.parse('public'));
  const answer = createAnswerer({
    hosts: grants.hosts.map(({ host }) => host),
    upstream: {
      async lookup(name, family) {
        asked.push(`${name} ${family}`);
        return lookup;
      },
    },
    hasIpv6: () => hasIpv6,
    decide: createDecision({
      grants,
      own: () => addresses,
      open: async (openings, seconds) => {
        await open();
        opened.push({ openings, seconds });
      },
      onRefusal,
    }),
    onRefusal: (name) => onRefusal(`name ${name}: no rule allows it`),
  });
  return { answer, opened, asked, refused };
}

const query = (name: string, type: 'A' | 'AAAA' | 'TXT' = 'A') =>
  encode({ type: 'query', id: 7, flags: 0x100, questions: [{ type, name, class: 'IN' }] });
const read = (reply: Buffer | undefined): Packet => decode(reply ?? Buffer.alloc(0));
const codeOf = (reply: Buffer | undefined) => (reply?.readUInt8(3) ?? 0) & 15;

describe('answers', () => {
  it.each([
    [0, 0, 5],
    [60, 60, 65],
    [2_147_483_647, 3600, 3605],
  ])('of %i seconds are sent with %i and open for %i', async (ttlSeconds, told, seconds) => {
    const { answer, opened } = bench([{ address: '198.51.100.7', ttlSeconds }]);
    const reply = read(await answer(query('a.example.com'), 'udp'));
    expect(reply.answers).toMatchObject([{ data: '198.51.100.7', ttl: told, name: 'a.example.com' }]);
    expect(opened).toMatchObject([{ seconds, openings: [{ service: 0 }] }]);
  });

  it('keep the case of the question', async () => {
    const reply = read(
      await bench([{ address: '198.51.100.7', ttlSeconds: 1 }]).answer(query('A.eXample.COM'), 'udp'),
    );
    expect(reply.questions?.[0]?.name).toBe('A.eXample.COM');
    expect(reply.answers?.[0]?.name).toBe('A.eXample.COM');
  });

  it('come after their addresses are open', async () => {
    const gate = Promise.withResolvers<void>();
    const { answer } = bench([{ address: '198.51.100.7', ttlSeconds: 1 }], { open: () => gate.promise });
    let isAnswered = false;
    const reply = answer(query('a.example.com'), 'udp').then(() => {
      isAnswered = true;
    });
    await new Promise(setImmediate);
    expect(isAnswered).toBe(false);
    gate.resolve();
    await reply;
  });

  it('fail when an address cannot be opened', async () => {
    const { answer } = bench([{ address: '198.51.100.7', ttlSeconds: 1 }], {
      open: () => Promise.reject(new Error('full')),
    });
    expect(codeOf(await answer(query('a.example.com'), 'udp'))).toBe(2);
  });

  it.each([
    ['unknown', 3],
    ['failed', 2],
    [[], 0],
  ] as const)('of a lookup that is %j have code %i', async (lookup, code) => {
    expect(codeOf(await bench(lookup).answer(query('a.example.com'), 'udp'))).toBe(code);
  });

  it('have no more addresses than are opened', async () => {
    const many = Array.from({ length: 200 }, (_, index) => ({
      address: `198.51.100.${index}`,
      ttlSeconds: 9,
    }));
    const { answer, opened } = bench(many);
    const cut = read(await answer(query('a.example.com'), 'udp'));
    const whole = read(await answer(query('a.example.com'), 'tcp'));
    expect([cut.answers?.length, whole.answers?.length]).toEqual([0, mostAddresses]);
    expect(opened[0]?.openings).toHaveLength(mostAddresses);
  });

  it('cost a bounded number of elements, however many rules and ports a name has', async () => {
    const many = Array.from({ length: 32 }, (_, index) => ({
      address: `198.51.100.${index}`,
      ttlSeconds: 9,
    }));
    const rules = Array.from({ length: 64 }, (_, rule) => ({
      host: '*.example.com',
      ports: Array.from({ length: 64 }, (__, port) => 1 + rule * 64 + port),
    }));
    const { answer, opened } = bench(many, { rules });
    const reply = read(await answer(query('a.example.com'), 'tcp'));
    expect(reply.answers).toHaveLength(4);
    expect(opened[0]?.openings).toHaveLength(256);
  });

  it('are not looked up when no rule allows the name, and contain no other record types', async () => {
    const { answer, asked, refused } = bench([{ address: '198.51.100.7', ttlSeconds: 1 }]);
    expect(codeOf(await answer(query('example.com'), 'udp'))).toBe(3);
    expect(codeOf(await answer(query('a.example.com.evil.test'), 'udp'))).toBe(3);
    expect(read(await answer(query('a.example.com', 'TXT'), 'udp')).answers).toEqual([]);
    expect([asked, refused]).toEqual([
      [],
      ['name example.com: no rule allows it', 'name a.example.com.evil.test: no rule allows it'],
    ]);
  });

  it('have IPv6 addresses only where the host has one with a route', async () => {
    const lookup = [{ address: '2001:db8::7', ttlSeconds: 1 }];
    const none = bench(lookup);
    const some = bench(lookup, { hasIpv6: true });
    expect(read(await none.answer(query('a.example.com', 'AAAA'), 'udp')).answers).toEqual([]);
    expect(read(await some.answer(query('a.example.com', 'AAAA'), 'udp')).answers).toMatchObject([
      { data: '2001:db8::7' },
    ]);
    expect([none.asked, some.asked]).toEqual([[], ['a.example.com 6']]);
  });

  it('leave out addresses that no sandbox may reach', async () => {
    const { answer, opened, refused } = bench(
      ['127.0.0.1', '10.0.0.1', '203.0.113.1', '::ffff:8.8.8.8', 'no address', '198.51.100.7'].map(
        (address) => ({
          address,
          ttlSeconds: 1,
        }),
      ),
    );
    expect(read(await answer(query('a.example.com'), 'udp')).answers).toMatchObject([
      { data: '198.51.100.7' },
    ]);
    expect(opened[0]?.openings).toHaveLength(1);
    expect(refused).toHaveLength(4);
  });
});

it('nothing that a sandbox sends makes the resolver throw, and no answer exceeds what its transport carries', async () => {
  const { answer } = bench([{ address: '198.51.100.7', ttlSeconds: 1 }]);
  const valid = query('a.example.com');
  const damaged = fc
    .tuple(fc.nat(valid.length), fc.uint8Array({ maxLength: 40 }))
    .map(([at, bytes]) => Buffer.concat([valid.subarray(0, at), bytes, valid.subarray(at + bytes.length)]));
  const random = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes));
  await fc.assert(
    fc.asyncProperty(fc.oneof(damaged, random), async (message) => {
      const reply = await answer(message, 'udp');
      expect(reply?.length ?? 0).toBeLessThanOrEqual(1232);
    }),
    { numRuns: 3000 },
  );
});

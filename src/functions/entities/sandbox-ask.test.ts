import { describe, expect, it } from 'vitest';
import { Fault } from '../../lib/index.ts';
import { effectiveAsk, parseSandboxAsk, sandboxAskOf } from './sandbox-ask.ts';

const annotated = (value: unknown) => [{ key: 'sandbox', value: JSON.parse(JSON.stringify(value)) }];
const profile = { defaultAction: 'SCMP_ACT_ALLOW' };

describe('the annotation sandbox', () => {
  it.each([
    ['gvisor', { tier: 'gvisor' }],
    [{ tier: 'gvisor' }, { tier: 'gvisor' }],
    [{ tier: null, seccomp: profile }, { seccomp: profile }],
    [{}, {}],
  ])('%j asks for %j', (value, ask) => {
    expect(sandboxAskOf(annotated(value))).toEqual(ask);
  });

  it('may be absent', () => {
    expect([sandboxAskOf([]), sandboxAskOf(annotated(null))]).toEqual([undefined, undefined]);
  });

  it.each([
    ['kvm', /'sandbox' must be an object/],
    [7, /'sandbox' must be an object/],
    [[], /'sandbox' must be an object/],
    [{ tier: 'kvm' }, /'sandbox\.tier'/],
    [{ seccomp: 'strict' }, /'sandbox\.seccomp'/],
    [{ seccomp: [profile] }, /'sandbox\.seccomp'/],
    [{ runtime: 'runc' }, /no 'runtime'/],
    [JSON.parse('{"__proto__": {"tier": "gvisor"}}'), /no '__proto__'/],
  ])('%j is refused, with the name of the field', (value, text) => {
    expect(() => sandboxAskOf([{ key: 'sandbox', value }])).toThrow(
      expect.objectContaining({ code: 'BODY_INVALID', message: expect.stringMatching(text) }),
    );
  });

  it('is refused with the caller’s fault', () => {
    expect(() =>
      parseSandboxAsk(7, 'here', (text) => new Fault('LIMIT_OUT_OF_RANGE', 'invalid', text)),
    ).toThrow(
      expect.objectContaining({ code: 'LIMIT_OUT_OF_RANGE', message: expect.stringMatching(/'here' must/) }),
    );
  });
});

describe('the ask of an action in a namespace', () => {
  it('is empty if neither asks', () => {
    expect(effectiveAsk(undefined, undefined)).toBeUndefined();
  });

  it('is the namespace’s if the action says nothing', () => {
    const own = { seccomp: profile };
    expect(effectiveAsk(own, { tier: 'gvisor' })).toMatchObject({ tier: 'gvisor', seccomp: profile });
    expect(effectiveAsk(own, { tier: 'gvisor' })?.seccompWithin).toBeUndefined();
    expect(effectiveAsk(undefined, { tier: 'gvisor' })).toMatchObject({ tier: 'gvisor' });
  });

  it('keeps the namespace’s profile beside the action’s own', () => {
    const [own, general] = [{ seccomp: profile }, { seccomp: { defaultAction: 'SCMP_ACT_ERRNO' } }];
    const both = effectiveAsk(own, general);
    expect(both).toMatchObject({ seccomp: profile, seccompWithin: general.seccomp });
    expect(both?.id).not.toBe(effectiveAsk(own, undefined)?.id);
  });

  it('is one value for the same inputs, and has another id for others', () => {
    const [own, general] = [{ seccomp: profile }, { tier: 'gvisor' as const }];
    expect(effectiveAsk(own, general)).toBe(effectiveAsk(own, general));
    const ids = [effectiveAsk(own, general), effectiveAsk(own, undefined), effectiveAsk(undefined, general)];
    expect(new Set(ids.map((ask) => ask?.id)).size).toBe(3);
    expect(effectiveAsk({ ...own }, { ...general })?.id).toBe(ids[0]?.id);
  });
});

describe('the annotation egress', () => {
  const egress = (value: unknown) => [{ key: 'egress', value: JSON.parse(JSON.stringify(value)) }];

  it('lists what may be reached, independent of the annotation sandbox', () => {
    expect(
      sandboxAskOf(egress([{ host: 'api.example.com', ports: [443] }, { cidr: '203.0.113.0/24' }])),
    ).toEqual({
      egress: [{ host: 'api.example.com', ports: [443] }, { cidr: '203.0.113.0/24' }],
    });
    expect(sandboxAskOf([...annotated('gvisor'), ...egress([])])).toEqual({ tier: 'gvisor', egress: [] });
  });

  it('is refused if it is malformed', () => {
    expect(() => sandboxAskOf(egress('api.example.com:443'))).toThrow(
      expect.objectContaining({ code: 'EGRESS_INVALID' }),
    );
  });

  it('is the namespace’s if the action says nothing, and must stay within it otherwise', () => {
    const [wide, narrow] = [
      { egress: [{ cidr: '203.0.113.0/24' }] },
      { egress: [{ cidr: '203.0.113.7/32' }] },
    ];
    expect(effectiveAsk(undefined, wide)).toMatchObject(wide);
    expect(effectiveAsk({ tier: 'gvisor' }, wide)).toMatchObject({ tier: 'gvisor', ...wide });
    expect(effectiveAsk(narrow, wide)).toMatchObject({ ...narrow, egressWithin: wide.egress });
    expect(effectiveAsk(narrow, undefined)?.egressWithin).toBeUndefined();
    expect(effectiveAsk(narrow, wide)?.id).not.toBe(effectiveAsk(narrow, undefined)?.id);
  });
});

/** Egress by name, with real sandboxes, a real packet filter and real servers, in network namespaces of the test. */
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isIsolated } from './host/isolated.ts';
import {
  type Lab,
  type LabOutcome,
  type LabProgram,
  openLab,
  type ZoneRecord,
} from './testing/egress-lab.ts';
import { testNode } from './testing/root.ts';

const busybox = '/usr/bin/busybox';
/** Argument for pgrep: finds only processes in this lab's network, not those of another test. */
const ofThisLab = '--ns $$ --nslist net';
/** Sets `$p` to a program's folder in /proc, once the program has replaced the shell that said "ready". */
const findProgram = (line: string) =>
  `until pid=$(pgrep -n -x -f "${line}"); do sleep 0.02; done; p=/proc/$pid`;
const canTry =
  isIsolated() && ['/usr/bin/crun', busybox, '/usr/sbin/nft', '/usr/bin/pasta'].every(existsSync);

const a = (name: string, data: string, ttl = 60): ZoneRecord => ({ name, type: 'A', data, ttl });
const aaaa = (name: string, data: string, ttl = 60): ZoneRecord => ({ name, type: 'AAAA', data, ttl });
const cname = (name: string, data: string, ttl = 60): ZoneRecord => ({ name, type: 'CNAME', data, ttl });

/** Prints what it receives from each address, or the error. */
const pythonClient = `
import socket, sys
for place in sys.argv[1:]:
  host, port = place.rsplit(" ", 1)
  try:
    with socket.create_connection((host, int(port)), timeout=8) as s:
      print(place, s.recv(100).decode().strip())
  except OSError as error: print(place, error.__class__.__name__, error.strerror)
`;
const nodeClient = `
const net = require("node:net");
const one = (place) => new Promise((done) => {
  const [host, port] = place.split(" ");
  const s = net.connect({ host, port: Number(port), timeout: 8000 });
  s.once("data", (text) => { done(place + " " + String(text).trim()); s.destroy(); });
  s.once("timeout", () => { done(place + " timeout"); s.destroy(); });
  s.once("error", (error) => done(place + " " + error.code));
});
(async () => { for (const place of process.argv.slice(1)) console.log(await one(place)); })();
`;

describe.skipIf(!canTry)(
  `egress${canTry ? '' : ' (needs Ward’s isolation, crun, busybox, nftables, passt)'}`,
  () => {
    let lab: Lab;
    beforeAll(async () => {
      lab = await openLab();
    });
    afterAll(async () => {
      await lab?.close();
    });

    const api = [{ host: 'api.example.com', ports: [443] }];
    const run = (args: readonly string[], changes: Partial<LabProgram> = {}): Promise<LabOutcome> =>
      lab.run({ egress: api, allowed: 'public', args, ...changes });
    const python = (places: readonly string[], changes: Partial<LabProgram> = {}) =>
      run(['/usr/bin/python3', '-I', '-c', pythonClient, ...places], changes);
    const shell = (script: string, changes: Partial<LabProgram> = {}) =>
      run([busybox, 'sh', '-c', script], changes);

    describe('a name that a rule allows', () => {
      beforeAll(() =>
        lab.setZone({
          'api.example.com': [a('api.example.com', '198.51.100.7'), aaaa('api.example.com', '2001:db8:7::7')],
        }),
      );
      const reached = /^api.example.com 443 hello from (198.51.100.7|2001:db8:7::7):443\n$/;

      test.each(['crun', 'runc', 'runsc'] as const)('is reached by Python under %s', async (runtime) => {
        if (!hasRuntime(runtime)) return;
        const { stdout, stderr, violations } = await python(['api.example.com 443'], { runtime });
        expect([stdout, stderr, violations]).toEqual([expect.stringMatching(reached), '', []]);
      });

      test('is reached by Node', async () => {
        const { stdout, stderr, violations } = await run([testNode, '-e', nodeClient, 'api.example.com 443']);
        expect([stdout, stderr, violations]).toEqual([expect.stringMatching(reached), '', []]);
      });

      test('is reached by a static binary', async () => {
        const { stdout, violations } = await shell('nc api.example.com 443 </dev/null');
        expect([stdout, violations]).toEqual([expect.stringMatching(/^hello from (198.51|2001:db8:7)/), []]);
      });

      test('is reached by either family', async () => {
        const egress = [{ host: 'api.example.com', ports: [443] }];
        const script = [
          'import socket',
          'for family in (socket.AF_INET, socket.AF_INET6):',
          '  (kind, *_, place), *more = socket.getaddrinfo("api.example.com", 443, family, socket.SOCK_STREAM)',
          '  s = socket.socket(family); s.settimeout(8); s.connect(place); print(s.recv(100).decode(), end="")',
        ].join('\n');
        const { stdout, stderr } = await run(['/usr/bin/python3', '-I', '-c', script], { egress });
        expect([stdout, stderr]).toEqual(['hello from 198.51.100.7:443\nhello from 2001:db8:7::7:443\n', '']);
      });

      test('what passes is counted and named, and refusals and questions are not', async () => {
        const script = [
          'import os, socket',
          's = socket.create_connection(("api.example.com", 443), timeout=8)',
          's.sendall(bytes(100_000)); left = 100_000',
          'while left > 0: left -= len(s.recv(65_536))',
          'os.kill(os.getpid(), 9)',
        ].join('\n');
        const [{ traffic }, { traffic: none }] = await Promise.all([
          run(['/usr/bin/python3', '-I', '-c', script]),
          python(['api.example.com 80', 'evil.example.com 443']),
        ]);
        for (const bytes of [traffic?.sentBytes, traffic?.receivedBytes]) {
          expect(bytes).toBeGreaterThan(100_000);
          expect(bytes).toBeLessThan(200_000);
        }
        expect(none?.sentBytes).toBe(0);
        expect(none?.connections).toBeUndefined();
        const at = { port: 443, protocol: 'tcp', at: expect.any(Number) };
        expect(traffic?.connections).toEqual([
          {
            name: 'api.example.com',
            address: expect.stringMatching(/^198.51.100.7$|^2001:db8:7::7$/),
            ...at,
          },
        ]);
      });

      test('is not reached at other ports, or by its address before the name was resolved', async () => {
        const { stdout, violations } = await python([
          'api.example.com 80',
          '198.51.100.8 443',
          '2001:db8:7::8 443',
        ]);
        expect(stdout.match(/ConnectionRefusedError/g)).toHaveLength(3);
        expect(violations).toEqual(
          expect.arrayContaining([
            'tcp 198.51.100.7:80: no rule allows it',
            'tcp 198.51.100.8:443: no rule allows it',
            'tcp [2001:db8:7::8]:443: no rule allows it',
          ]),
        );
      });

      test('is open to the sandbox that asked, and to no other', async () => {
        const other = [{ host: 'other.example.com', ports: [443] }];
        const [asked, silent] = await Promise.all([
          python(['api.example.com 443', '198.51.100.7 443']),
          python(['198.51.100.7 443', '198.51.100.7 443'], { egress: other }),
        ]);
        expect(asked.stdout).toContain('198.51.100.7 443 hello from');
        expect(silent.stdout).not.toContain('hello');
      });

      test.each([
        ['203.0.113.10', 'AF_INET'],
        ['2001:db8:1::10', 'AF_INET6'],
      ])('is reached over UDP at %s where the rule says so, and not over TCP', async (address, family) => {
        await lab.setZone({
          'udp.example.com': [(family === 'AF_INET' ? a : aaaa)('udp.example.com', address)],
        });
        const script = [
          'import socket',
          `place = socket.getaddrinfo("udp.example.com", 5000, socket.${family})[0][4]`,
          `s = socket.socket(socket.${family}, socket.SOCK_DGRAM); s.settimeout(8)`,
          's.sendto(b"x", place); print(s.recv(100).decode())',
          'try: socket.create_connection(place[:2], timeout=8)',
          'except OSError as error: print(error.__class__.__name__)',
        ].join('\n');
        const egress = [{ host: 'udp.example.com', ports: [5000], protocol: 'udp' }];
        const { stdout, violations } = await run(['/usr/bin/python3', '-I', '-c', script], { egress });
        expect(stdout).toBe('hello over udp\nConnectionRefusedError\n');
        const where = family === 'AF_INET' ? address : `[${address}]`;
        expect(violations).toEqual([`tcp ${where}:5000: no rule allows it`]);
      });
    });

    test('without a rule there is no network device, and Ward makes nothing for one', async () => {
      const { stdout } = await shell('ip -o link | cut -d: -f2', { egress: [] });
      expect(stdout.trim()).toBe('lo');
    });

    test('a name that no rule allows is not looked up, and is reported', async () => {
      await lab.setZone({ 'evil.example.com': [a('evil.example.com', '198.51.100.9')] });
      const { stdout, violations } = await python(['evil.example.com 443', 'api.example.com.evil.test 443']);
      expect(stdout.match(/gaierror/g)).toHaveLength(2);
      expect(violations).toContain('name evil.example.com: no rule allows it');
      expect(await lab.setZone({})).toEqual([]);
    });

    describe('a name that leads to a refused address (rebinding)', () => {
      const places: readonly (readonly [address: string, why: RegExp])[] = [
        ['127.0.0.1', /loopback/],
        ['0.0.0.0', /not the address of a host/],
        ['10.1.2.3', /private/],
        ['172.16.0.1', /private/],
        ['192.168.1.1', /private/],
        ['100.64.0.1', /carrier/],
        ['169.254.169.254', /metadata/],
        ['168.63.129.16', /metadata/],
        ['198.18.0.6', /Ward’s own/],
        ['203.0.113.1', /address of this host/],
        ['224.0.0.1', /multicast/],
        ['255.255.255.255', /reserved/],
        ['::1', /loopback/],
        ['::ffff:127.0.0.1', /embedded/],
        ['::ffff:10.0.0.1', /embedded/],
        ['64:ff9b::a00:1', /embedded/],
        ['2002:a00:1::1', /embedded/],
        ['fe80::1', /link-local/],
        ['fd00::1', /private/],
        ['fd57:4152:4400:1::0', /Ward’s own/],
        ['2001:db8:1::1', /address of this host/],
      ];
      const nameOf = (index: number) => `r${index}.example.com`;

      test('gets no address, and the attempt is reported', async () => {
        await lab.setZone(
          Object.fromEntries(
            places.map(([address], index) => {
              const record = address.includes(':') ? aaaa : a;
              return [nameOf(index), [record(nameOf(index), address)]];
            }),
          ),
        );
        const egress = [{ host: '*.example.com', ports: [80] }];
        const { stdout, violations } = await python(
          places.map((_, index) => `${nameOf(index)} 80`),
          { egress },
        );
        expect(stdout.match(/gaierror/g)).toHaveLength(places.length);
        for (const [index, [, why]] of places.entries()) {
          expect(violations.find((text) => text.startsWith(`name ${nameOf(index)} `))).toMatch(why);
        }
      });

      test('gets only its other addresses', async () => {
        await lab.setZone({
          'api.example.com': [a('api.example.com', '10.0.0.1'), a('api.example.com', '198.51.100.7')],
        });
        const { stdout } = await python(['api.example.com 443', '10.0.0.1 443']);
        expect(stdout).toContain('api.example.com 443 hello from 198.51.100.7:443');
        expect(stdout).toContain('10.0.0.1 443 ConnectionRefusedError');
      });

      test('gets the address if the operator named that network', async () => {
        await lab.setZone({
          'api.example.com': [a('api.example.com', '10.0.0.1'), aaaa('api.example.com', 'fd00:1::1')],
        });
        const allowed = ['public', { cidr: '10.0.0.0/24', ports: [443] }];
        const { stdout, violations } = await python(['api.example.com 443', '10.0.0.2 443'], { allowed });
        expect(stdout).toContain('api.example.com 443 hello from 10.0.0.1:443');
        expect(stdout).toContain('10.0.0.2 443 ConnectionRefusedError');
        expect(violations).toContain('name api.example.com leads to fd00:1::1: a private network');
      });
    });

    test('addresses are refused, however they are written', async () => {
      const places = [
        ...['127.0.0.1 9', '10.0.0.1 80', '169.254.169.254 80', '203.0.113.1 8088', '198.18.0.6 80'],
        ...['2130706433 80', '0x0a000001 80', '012.0.0.1 80', '10.1 80', '::ffff:10.0.0.1 80'],
        ...[
          '64:ff9b::a00:1 80',
          'fd00::1 80',
          '2001:db8:1::1 8088',
          'fd57:4152:4400:1:: 80',
          '198.18.0.1 80',
        ],
      ];
      const { stdout, violations } = await python(places, {
        egress: [{ host: '*.example.com', ports: [80] }, { cidr: '0.0.0.0/0' }, { cidr: '::/0' }],
      });
      expect(stdout.trim().split('\n')).toHaveLength(places.length);
      expect(stdout).not.toContain('hello');
      expect(violations).toEqual(
        expect.arrayContaining([
          'tcp 10.0.0.1:80: a private network',
          'tcp 169.254.169.254:80: link-local, where metadata services are',
          'tcp 203.0.113.1:8088: an address of this host',
          'tcp [fd00::1]:80: a private network',
          'tcp [2001:db8:1::1]:8088: an address of this host',
        ]),
      );
    });

    test('a service of this host is not reached at any of its addresses, unless the operator named that one', async () => {
      const egress = [{ cidr: '203.0.113.1/32', ports: [8088] }];
      const places = ['203.0.113.1 8088'];
      const shut = await python(places, { egress });
      const open = await python(places, { egress, allowed: egress });
      expect(shut.stdout).toBe('203.0.113.1 8088 ConnectionRefusedError Connection refused\n');
      expect(open.stdout).toBe('203.0.113.1 8088 the host\n');
    });

    describe('an address of the host', () => {
      const made: readonly (readonly [what: string, address: string, script: string])[] = [
        ['an address without a carrier', '198.51.100.81', 'ip addr add 198.51.100.81/32 dev calm'],
        ['an address of a device that is down', '198.51.100.82', 'ip addr add 198.51.100.82/32 dev low'],
        ['a local route', '198.51.100.83', 'ip route add local 198.51.100.83/32 dev lo'],
        ['a local route of a whole network', '198.51.100.130', 'ip route add local 198.51.100.128/25 dev lo'],
        ['the same of IPv6', '2001:db8:7::81', 'ip -6 route add local 2001:db8:7::80/124 dev lo'],
      ];
      const others = [
        'ip link add calm type veth peer name calm2; ip link set calm up',
        'ip link add low type veth peer name low2',
        // A transparent proxy's route claims every address, but only for marked packets.
        'ip rule add fwmark 1 lookup 78; ip route add local default dev lo table 78',
      ];
      const places = made.map(([, address]) => `${address} 8088`);

      test('is reached neither by network nor by name as soon as the host has it, however it got it', async () => {
        const egress = [{ host: '*.example.com', ports: [8088] }, { cidr: '0.0.0.0/0' }, { cidr: '::/0' }];
        await python(['198.51.100.7 80'], { egress });
        await lab.shell([...others, ...made.map(([, , script]) => script)].join('\n'));
        const name = (index: number) => `own${index}.example.com`;
        await lab.setZone(
          Object.fromEntries(
            made.map(([, address], index) => {
              const record = (address.includes(':') ? aaaa : a)(name(index), address);
              return [name(index), [record]];
            }),
          ),
        );
        const named = made.map((_, index) => `${name(index)} 8088`);
        const { stdout, violations } = await python([...places, ...named, '198.51.100.7 80'], { egress });
        expect(stdout).not.toContain('the host');
        expect(stdout).toContain('198.51.100.7 80 hello');
        for (const [what, address] of made) {
          const text = address.includes(':') ? `[${address}]` : address;
          expect(violations, what).toContain(`tcp ${text}:8088: an address of this host`);
        }
        for (const [index, [what, address]] of made.entries()) {
          expect(violations, what).toContain(
            `name ${name(index)} leads to ${address}: an address of this host`,
          );
        }
      });

      test('answers the host itself, so that the refusal means something', async () => {
        const ask = places.map((place) => `${busybox} nc -w 3 ${place} </dev/null`);
        expect(await lab.shell(ask.join('\n'))).toBe('the host\n'.repeat(places.length));
      });
    });

    test('a network that a rule names is reached, except refused addresses in it', async () => {
      const { stdout } = await python(
        ['203.0.113.10 80', '203.0.113.11 80', '203.0.113.10 443', '203.0.113.1 8088', '198.51.100.7 80'],
        { egress: [{ cidr: '203.0.113.0/24', ports: [80] }] },
      );
      expect(
        stdout
          .trim()
          .split('\n')
          .map((line) => line.includes('hello')),
      ).toEqual([true, true, false, false, false]);
    });

    test('neither another sandbox nor the router is reached', async () => {
      const egress = [{ cidr: '0.0.0.0/0' }];
      const listen = 'ip -4 addr show eth0 | grep -o "198[0-9.]*/" ; exec nc -lk -p 8000 -e echo another';
      const other = await shell(listen, { egress, stays: true });
      const address = other.stdout.trim().replace('/', '');
      expect(address).toMatch(/^198\.18\./);
      const gateway = address.replace(/\d+$/, (last) => String(Number(last) - 1));
      const { stdout, violations } = await python([`${address} 8000`, `${gateway} 80`, '198.18.0.2 80'], {
        egress,
      });
      expect(stdout).not.toContain('another');
      expect(stdout.match(/ConnectionRefusedError|TimeoutError/g)).toHaveLength(3);
      expect(violations).toContain(`tcp ${address}:8000: a network of Ward’s own`);
    });

    test('an address is open for as long as its record says, and a connection outlasts that', async () => {
      await lab.setZone({ 'api.example.com': [a('api.example.com', '198.51.100.7', 1)] });
      const script = [
        'import socket, time',
        's = socket.create_connection(("api.example.com", 443)); s.recv(100)',
        'def one():',
        '  try: socket.create_connection(("198.51.100.7", 443), timeout=8).close(); return True',
        '  except OSError: return False',
        'print(one())',
        'end = time.monotonic() + 30',
        'while one() and time.monotonic() < end: time.sleep(0.2)',
        'print(one()); s.sendall(b"still"); print(s.recv(100).decode())',
        'print(socket.create_connection(("api.example.com", 443)).recv(100).decode().strip())',
      ].join('\n');
      const { stdout, stderr } = await run(['/usr/bin/python3', '-I', '-c', script]);
      expect([stdout, stderr]).toEqual(['True\nFalse\nstill\nhello from 198.51.100.7:443\n', '']);
    });

    describe('answers', () => {
      const query = [
        'import socket, struct, sys',
        'server = open("/etc/resolv.conf").read().split()[1]',
        'def ask(name, kind=1, tcp=False, size=0, patience=8):',
        '  q = b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\\0" + struct.pack(">HH", kind, 1)',
        '  m = struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 1 if size else 0) + q',
        '  if size: m += b"\\0" + struct.pack(">HHIH", 41, size, 0, 0)',
        '  return send(m, tcp, patience)',
        'def send(m, tcp=False, patience=1):',
        '  s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM); s.settimeout(patience)',
        '  s.connect((server, 53)); s.send(struct.pack(">H", len(m)) + m if tcp else m)',
        '  try: r = s.recv(65535)',
        '  except OSError as error: return error.__class__.__name__',
        '  if tcp: r = r[2:]',
        '  if not r: return "closed"',
        '  return (r[3] & 15, bool(r[2] & 2), struct.unpack(">H", r[6:8])[0], len(r))',
        '',
      ].join('\n');
      const ask = (lines: readonly string[], egress: unknown = api) =>
        run(['/usr/bin/python3', '-I', '-c', query + lines.map((line) => `print(${line})`).join('\n')], {
          egress,
        });

      test('follow CNAME chains, shorten long times to live, and limit the number of addresses', async () => {
        const many = Array.from({ length: 60 }, (_, index) =>
          a('many.example.com', `198.51.100.${index + 1}`),
        );
        await lab.setZone({
          'chain.example.com': [
            cname('chain.example.com', 'two.elsewhere.net'),
            cname('two.elsewhere.net', 'three.elsewhere.net'),
            a('three.elsewhere.net', '198.51.100.7', 2_000_000_000),
          ],
          'many.example.com': many,
        });
        const egress = [{ host: '*.example.com', ports: [443] }];
        const { stdout } = await ask(
          [
            'ask("chain.example.com")',
            'ask("two.elsewhere.net")',
            'ask("many.example.com")',
            'ask("many.example.com", size=4096)',
            'ask("many.example.com", tcp=True)',
            'socket.create_connection(("chain.example.com", 443)).recv(50)',
          ],
          egress,
        );
        expect(stdout.trim().split('\n')).toEqual([
          expect.stringMatching(/^\(0, False, 1, \d+\)$/),
          expect.stringMatching(/^\(3, False, 0, /),
          // The answer is cut, so the client asks again over TCP.
          expect.stringMatching(/^\(0, True, 0, /),
          expect.stringMatching(/^\(0, False, 32, /),
          expect.stringMatching(/^\(0, False, 32, /),
          "b'hello from 198.51.100.7:443\\n'",
        ]);
      });

      test('open a limited number of addresses; the rest is refused and reported', async () => {
        const names = Array.from({ length: 8 }, (_, index) => `n${index}.example.com`);
        const address = (name: number, index: number) => `198.51.${100 + name}.${index + 1}`;
        await lab.setZone(
          Object.fromEntries(
            names.map((name, at) => [
              name,
              Array.from({ length: 28 }, (_, index) => a(name, address(at, index))),
            ]),
          ),
        );
        const egress = Array.from({ length: 64 }, (_, rule) => ({
          host: '*.example.com',
          ports: Array.from({ length: 64 }, (__, port) => 1 + rule * 64 + port),
        }));
        const { stdout, violations } = await ask(
          names.map((name) => `ask("${name}")`),
          egress,
        );
        expect(stdout.trim().split('\n')).toEqual([
          // Four of its addresses count; each costs 64 elements.
          ...Array.from({ length: 4 }, () => expect.stringMatching(/^\(0, False, 4, /)),
          ...Array.from({ length: 4 }, () => expect.stringMatching(/^\(2, False, 0, /)),
        ]);
        expect(violations).toContain('name n4.example.com: 1024 addresses are open already');
      });

      test('come from a process without rights, which is replaced when it dies and ends no sandbox', async () => {
        await lab.setZone({ 'api.example.com': [a('api.example.com', '198.51.100.7')] });
        await ask(['ask("api.example.com")']);
        const resolver = `$(pgrep -n -f "egress/resolver/program.ts$" ${ofThisLab})`;
        const status = await lab.shell(`cat /proc/${resolver}/status`);
        expect(status).toMatch(/^Uid:\t(42\d{8})\t\1\t\1\t\1$/m);
        expect(status).toMatch(/^Groups:\t ?$/m);
        for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
          expect(status).toMatch(new RegExp(`^${set}:\t0+$`, 'm'));
        expect(status).toMatch(/^NoNewPrivs:\t1$/m);
        const waits = [
          'ended = time.monotonic() + 10; print("ready", flush=True)',
          'while time.monotonic() < ended and isinstance(ask("api.example.com", patience=1), tuple): time.sleep(0.05)',
          'while not isinstance(ask("api.example.com", patience=1), tuple): time.sleep(0.05)',
          'socket.create_connection(("api.example.com", 443)).recv(50)',
          'end = socket.socket(); end.bind(("0.0.0.0", 4747)); end.listen(); time.sleep(1000)',
        ];
        await run(['/usr/bin/python3', '-I', '-c', `import time\n${query}${waits.join('\n')}`], {
          egress: api,
          stays: true,
        });
        await lab.shell(`kill -9 ${resolver}`);
        const inside =
          'for p in /proc/[0-9]*; do grep -q " 00000000:128B " $p/net/tcp 2>/dev/null && echo yes && break; done';
        await expect.poll(() => lab.shell(inside)).toBe('yes\n');
        await lab.end();
      });

      test('contain no TXT records, and nothing for malformed questions', async () => {
        await lab.setZone({ 'api.example.com': [a('api.example.com', '198.51.100.7')] });
        const { stdout } = await ask([
          'ask("api.example.com", 16)',
          'ask("api.example.com", 255)',
          'send(b"x")',
          'send(b"\\0\\7\\1\\0" + b"\\xff" * 300)',
          'send(struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + b"\\xc0\\x0c\\0\\1\\0\\1")',
          'send(struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + b"\\x3fabc")',
          'send(struct.pack(">HHHHHH", 7, 0x8100, 1, 0, 0, 0) + b"\\0\\0\\1\\0\\1")',
          'send(struct.pack(">HHHHHH", 7, 0x2800, 1, 0, 0, 0) + b"\\0\\0\\1\\0\\1")',
          'send(b"\\0" * 40000, True)',
          'ask("api.example.com")',
        ]);
        expect(stdout.trim().split('\n')).toEqual([
          expect.stringMatching(/^\(0, False, 0, /),
          expect.stringMatching(/^\((0|1), False, 0, /),
          'TimeoutError',
          expect.stringMatching(/^\(1, False, 0, 12\)/),
          expect.stringMatching(/^\(1, False, 0, 12\)/),
          expect.stringMatching(/^\(1, False, 0, 12\)/),
          'TimeoutError',
          expect.stringMatching(/^\(4, False, 0, 12\)/),
          expect.stringMatching(/^(closed|ConnectionResetError)$/),
          expect.stringMatching(/^\(0, False, 1, /),
        ]);
      });
    });

    describe('limits', () => {
      const egress = [{ cidr: '203.0.113.0/24' }];
      const limited = {
        connections: 5,
        connectionsPerSecond: 1000,
        packetsPerSecond: 1_000_000,
        bytesPerSecond: 1e9,
      };
      const opening = (count: number, after: string) =>
        [
          'import socket, time',
          'held = []',
          `for _ in range(${count}):`,
          '  s = socket.socket(); s.settimeout(0.5)',
          '  try: s.connect(("203.0.113.10", 80)); held.append(s)',
          `  except OSError: pass`,
          after,
          'print(len(held))',
        ].join('\n');

      test('connections at once', async () => {
        const { stdout, violations } = await run(['/usr/bin/python3', '-I', '-c', opening(8, '')], {
          egress,
          limits: limited,
        });
        expect(stdout).toBe('5\n');
        expect(violations[0]).toContain('tcp 203.0.113.10:80: past its limits (5 connections');
      });

      test('new connections a second', async () => {
        const limits = { ...limited, connections: 1000, connectionsPerSecond: 2 };
        const { stdout, violations } = await run(
          ['/usr/bin/python3', '-I', '-c', opening(12, '  s.settimeout(0.05)')],
          {
            egress,
            limits,
          },
        );
        expect(Number(stdout)).toBeLessThan(12);
        expect(Number(stdout)).toBeGreaterThan(3);
        expect(violations[0]).toContain('past its limits');
      });

      test.each([
        ['bytes', { bytesPerSecond: 400_000 }],
        ['packets', { packetsPerSecond: 10 }],
      ])('%s a second', async (_, some) => {
        const script = [
          'import socket, time',
          's = socket.create_connection(("203.0.113.10", 9000)); s.settimeout(2)',
          'end = time.monotonic() + 1.5; got = 0',
          'while time.monotonic() < end:',
          '  try: got += len(s.recv(65536))',
          '  except OSError: break',
          'print(got)',
        ].join('\n');
        const measure = async (limits: Readonly<Record<string, number>>) =>
          Number((await run(['/usr/bin/python3', '-I', '-c', script], { egress, limits })).stdout);
        const [slow, quick] = [await measure({ ...limited, ...some }), await measure(limited)];
        expect(slow).toBeGreaterThan(0);
        expect(slow).toBeLessThan(2_500_000);
        expect(quick).toBeGreaterThan(3 * slow);
      });
    });

    describe('the network of the machine', () => {
      const egress = [{ cidr: '203.0.113.0/24' }];
      const limits = { bytesPerSecond: 1e9, machineBytesPerSecond: 8_000_000 };
      const download = (seconds: number) => [
        ...['/usr/bin/python3', '-I', '-c'],
        [
          'import socket, time',
          'got = 0',
          // One of many downloads gets little, as it should, and may give up.
          'try:',
          '    s = socket.create_connection(("203.0.113.10", 9000)); s.settimeout(10); s.recv(65536)',
          '    print("begun", flush=True)',
          `    end = time.monotonic() + ${seconds}`,
          '    while time.monotonic() < end: got += len(s.recv(65536))',
          'except TimeoutError: pass',
          'print(got)',
        ].join('\n'),
      ];
      const bytesOf = async (tenant: string) =>
        Number((await run(download(3), { egress, limits, tenant })).stdout.trim().split('\n').at(-1));

      test('is shared between namespaces, however many downloads one has', async () => {
        const alone = await bytesOf('few');
        const begun = Array.from({ length: 8 }, () =>
          run(download(1000), { egress, limits, tenant: 'many', stays: true }),
        );
        await Promise.all(begun);
        const [beside, among] = await Promise.all([bytesOf('few'), bytesOf('many')]);
        await lab.end();
        expect(alone).toBeGreaterThan(limits.machineBytesPerSecond / 2);
        expect(alone).toBeLessThan(4 * limits.machineBytesPerSecond);
        // By connections each would get a ninth; by namespaces one gets half, and each of the others an eighteenth.
        expect(beside).toBeGreaterThan(4 * among);
      });
    });

    describe('its network', () => {
      const changes = [
        'ip link set eth0 down',
        'ip addr add 203.0.113.77/24 dev eth0',
        'ip route del default',
        'ip link add x type dummy',
      ].join('; ');
      const state = 'ip -4 addr show eth0 | grep -c 198.18; ip route | grep -c default; ip -o link | wc -l';

      test('cannot be changed from inside, whatever capabilities a process has there', async () => {
        const { stdout, stderr } = await shell(`${changes}; ${state}`, {
          capAdd: ['CAP_DAC_OVERRIDE', 'CAP_CHOWN'],
        });
        expect(stdout).toBe('1\n1\n2\n');
        expect(stderr.match(/Operation not permitted/g)?.length).toBeGreaterThanOrEqual(4);
      });

      test('belongs to the host: root of the sandbox’s own user namespace, with every capability, changes nothing', async () => {
        await shell('echo ready; exec sleep 4242', { stays: true });
        const find = findProgram('sleep 4242');
        const enter = (script: string) =>
          lab.shell(`${find}; nsenter --net=$p/ns/net nsenter --user=$p/ns/user -- /bin/sh -c '${script}'`);
        expect(await enter('grep CapEff /proc/self/status')).toMatch(/CapEff:\s+0*1ff/);
        const denied = await enter(`${changes}; nft flush ruleset; nft add table inet x; ${state}`);
        expect(denied.match(/not permitted/g)?.length).toBeGreaterThanOrEqual(5);
        expect(denied).toMatch(/^1\n1\n2\n/);
      });
    });

    test('resolv.conf inside is Ward’s, and cannot be written', async () => {
      const { stdout, stderr } = await shell(
        'cat /etc/resolv.conf; echo nameserver 8.8.8.8 > /etc/resolv.conf',
      );
      expect(stdout).toMatch(/^nameserver 198\.18\.\d+\.\d+\noptions /);
      expect(stderr).toMatch(/Read-only|Permission denied/);
    });

    describe('the uplink of a sandbox', () => {
      const egress = [{ cidr: '203.0.113.0/24' }, { cidr: '203.0.113.0/24', protocol: 'udp' }];
      const limits = { connections: 16, connectionsPerSecond: 1000 };
      const program = (...lines: readonly string[]) => ['/usr/bin/python3', '-I', '-c', lines.join('\n')];
      const sockets = (protocol: 't' | 'u') =>
        lab.shell(`ss -Han${protocol} dst 203.0.113.10 | grep -v TIME`);
      const countOf = async (protocol: 't' | 'u') =>
        (await sockets(protocol)).split('\n').filter((line) => line !== '').length;
      /** The pasta of the newest sandbox in this lab's network. */
      const newest = `pgrep -n -f "^pasta " ${ofThisLab}`;

      test('has no more connections than its limit, even if it closes each with a reset that would end on the way', async () => {
        const deceive = program(
          'import socket, struct, time',
          'for _ in range(150):',
          '  s = socket.socket(); s.settimeout(0.3)',
          '  try: s.connect(("203.0.113.10", 80))',
          '  except OSError: continue',
          '  s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)',
          '  s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))',
          '  s.close()',
          '# What it has closed may be open still, since its resets are refused.',
          'held = []',
          'for _ in range(10):',
          '  try: held.append(socket.create_connection(("203.0.113.10", 80), 1))',
          '  except OSError: pass',
          'print("done", flush=True); time.sleep(1000)',
        );
        const { stdout } = await run(deceive, { egress, limits, stays: true });
        expect(stdout).toBe('done\n');
        expect(await countOf('t')).toBeGreaterThanOrEqual(10);
        expect(await countOf('t')).toBeLessThanOrEqual(16);
        // This must hold whatever a sandbox makes connection tracking believe.
        const pid = (await lab.shell(newest)).trim();
        expect(await lab.shell(`grep "open files" /proc/${pid}/limits`)).toMatch(/\s160\s+160\s/);
        const other = await python(['203.0.113.10 80'], { egress, limits });
        expect(other.stdout).toContain('hello');
        await lab.end();
        expect(await countOf('t')).toBe(0);
      });

      test('ends with the sandbox, together with everything that was open', async () => {
        const ask = (after: string) =>
          program(
            'import socket, time',
            'for _ in range(5):',
            '  s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(2)',
            '  heard = b""',
            '  while not heard:',
            '    s.sendto(b"x", ("203.0.113.10", 5000))',
            '    try: heard = s.recv(100)',
            '    except TimeoutError: pass  # A datagram may be lost on a busy machine.',
            'print("done", flush=True)',
            after,
          );
        await run(ask('time.sleep(1000)'), { egress, limits, stays: true });
        expect(await countOf('u')).toBe(5);
        await lab.end();
        await expect.poll(() => countOf('u')).toBe(0);
        expect((await run(ask(''), { egress, limits })).stdout).toBe('done\n');
        await expect.poll(() => countOf('u')).toBe(0);
        await expect.poll(async () => (await lab.shell(newest)).trim()).toBe('');
        // The routes end with the uplink.
        const rules = () => lab.shell(`${inRouter}; $in ip rule; $in ip -6 rule`);
        await expect.poll(rules).not.toContain('iif');
      });

      test('ends the sandbox when it dies, and the next sandbox has one that works', async () => {
        await shell('echo ready; exec sleep 4343', { egress, stays: true });
        const pid = (await lab.shell(newest)).trim();
        expect(pid).toMatch(/^\d+$/);
        expect(await lab.shell(`${findProgram('sleep 4343')}; echo $p`)).toMatch(/^\/proc\/\d+\n$/);
        await lab.shell(`kill -9 ${pid}`);
        await expect.poll(() => lab.shell('pgrep -x -f "sleep 4343"')).toBe('');
        expect((await python(['203.0.113.10 80'], { egress })).stdout).toContain('hello');
      });

      test('counts for the sandbox: its memory, sockets and processor time', async () => {
        for (const runtime of ['crun', 'runc', 'runsc'] as const) {
          if (!hasRuntime(runtime)) continue;
          await shell('echo ready; exec sleep 4545', { egress, runtime, stays: true });
          const pid = (await lab.shell(newest)).trim();
          const group = async () => lab.shell(`grep -E "^0:|memory" /proc/${pid}/cgroup`);
          await expect.poll(group).toMatch(/\/ward\/lab-[0-9a-f]+\/[0-9a-f]{16}$/m);
          await lab.end();
          expect((await lab.shell(newest)).trim()).toBe('');
        }
      });

      test('carries long datagrams whole, and no fragments', async () => {
        const { stdout, violations } = await run(
          program(
            'import socket',
            's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(3)',
            's.connect(("203.0.113.10", 5000))',
            'for size in (1400, 9000, 60000, 65500):',
            '  try: s.send(b"x" * size); print(size, len(s.recv(70000)))',
            '  except OSError as error: print(size, error.__class__.__name__)',
          ),
          { egress },
        );
        expect(stdout).toBe('1400 1400\n9000 9000\n60000 60000\n65500 TimeoutError\n');
        expect(violations).toContainEqual(
          expect.stringMatching(
            /^udp 203\.0\.113\.10.*: of a form that does not pass \(fragment, options, extension header, or few hops\)$/,
          ),
        );
      });

      describe('carries no packet that was crafted in the sandbox’s network, with every right there', () => {
        const byHand = [
          'import socket, struct, sys',
          'own, to, port = sys.argv[2], "203.0.113.10", 5000',
          'def ip(payload, source=own, more=0, options=b"", ttl=64, protocol=17):',
          '  head = struct.pack(">BBHHHBBH4s4s", 0x45 + len(options) // 4, 0, 20 + len(options) + len(payload), 7, more, ttl, protocol, 0,',
          '    socket.inet_aton(source), socket.inet_aton(to)) + options',
          '  raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)',
          '  raw.sendto(head + payload, (to, 0))',
          'udp = struct.pack(">HHHH", 4000, port, 16, 0) + b"12345678"',
          'def six(option=None, value=None):',
          '  s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)',
          '  if option: s.setsockopt(socket.IPPROTO_IPV6, option, value)',
          '  s.sendto(b"x", ("2001:db8:1::10", port))',
          'padding = bytes([0, 0, 1, 4, 0, 0, 0, 0])',
          'attacks = {',
          '  "plain": lambda: ip(udp),',
          '  "plain6": lambda: six(),',
          '  "hops32": lambda: ip(udp, ttl=32),',
          '  "hops32of6": lambda: six(socket.IPV6_UNICAST_HOPS, 32),',
          '  "hops31": lambda: ip(udp, ttl=31),',
          '  "hops31of6": lambda: six(socket.IPV6_UNICAST_HOPS, 31),',
          '  "source": lambda: ip(udp, source="198.18.77.77"),',
          '  "outside": lambda: ip(udp, source="203.0.113.1"),',
          '  "first": lambda: ip(udp, more=0x2000),',
          '  "pieces": lambda: (ip(udp[:8], more=0x2000), ip(udp[8:], more=1)),',
          '  "tiny": lambda: (ip(udp[:8], more=0x2000), ip(udp[:8], more=0), ip(udp[8:], more=1)),',
          '  "route": lambda: ip(udp, options=bytes([0x83, 7, 4]) + socket.inet_aton("10.0.0.1") + b"\\0"),',
          '  "record": lambda: ip(udp, options=bytes([7, 7, 4, 0, 0, 0, 0, 0])),',
          '  "destination": lambda: six(socket.IPV6_DSTOPTS, padding),',
          '  "hops": lambda: six(socket.IPV6_HOPOPTS, padding),',
          '  "tunnel": lambda: ip(struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20, 7, 0, 64, 17, 0, socket.inet_aton(own), socket.inet_aton("10.0.0.1")), protocol=4),',
          '}',
          'attacks[sys.argv[1]]()',
        ].join('\n');
        const both = [...egress, { cidr: '2001:db8:1::/64', protocol: 'udp' }];
        const sent = async (attack: string) => {
          await lab.end();
          await shell('echo ready; exec sleep 4444', { egress: both, stays: true });
          const find = findProgram('sleep 4444');
          const own = 'own=$($in ip -4 -o addr show eth0 | grep -o "198[0-9.]*" | head -1)';
          const code = Buffer.from(byHand).toString('base64');
          const said = await lab.shell(
            `${find}; in="nsenter --net=$p/ns/net"; ${own}; $in /usr/bin/python3 -c "$(echo ${code} | base64 -d)" ${attack} $own`,
          );
          expect(said).toBe('');
          // A later packet has arrived, so this one has as well.
          await lab.shell(
            `in="nsenter --net=$(${find}; echo $p)/ns/net"; $in ${busybox} nc -w 3 203.0.113.10 80 </dev/null`,
          );
          return lab.shell('ss -Hanu dport = :5000 | wc -l');
        };
        afterAll(() => lab.end());

        test.each(['plain', 'plain6', 'hops32', 'hops32of6'])('%s does pass', async (attack) => {
          expect(await sent(attack)).toBe('1\n');
        });

        test.each([
          ...[
            'hops31',
            'hops31of6',
            'source',
            'outside',
            'first',
            'pieces',
            'tiny',
            'route',
            'record',
            'destination',
            'hops',
            'tunnel',
          ],
        ])('%s does not', async (attack) => {
          expect(await sent(attack)).toBe('0\n');
        });
      });

      test('questions to the resolver take no entries in the table of connections', async () => {
        const before = Number(await lab.shell(`${inRouter}; $in ${tableSize}`));
        await run(
          program(
            'import socket, struct',
            'server = open("/etc/resolv.conf").read().split()[1]',
            'for port in range(150):',
            '  s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)',
            '  s.sendto(struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + b"\\1x\\0\\0\\1\\0\\1", (server, 53))',
            '  if port % 50 == 0: s.recv(100)',
          ),
          { egress },
        );
        const after = Number(await lab.shell(`${inRouter}; $in ${tableSize}`));
        expect(after - before).toBeLessThan(20);
      });

      const tableSize = 'cat /proc/sys/net/netfilter/nf_conntrack_count';
      const inRouter = 'in="nsenter --net=/proc/$(pgrep -n -f "^nft --numeric monitor trace" -s 0)/ns/net"';
    });

    test('a service of the host is reached where rules allow it, so that refusals mean something', async () => {
      expect(await lab.shell(`${busybox} nc -w 3 10.0.0.1 80 </dev/null`)).toContain(
        'hello from 10.0.0.1:80',
      );
      expect(
        await lab.shell('cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding'),
      ).toBe('0\n0\n');
      expect(await lab.shell('nft list ruleset')).toBe('');
    });
  },
);

function hasRuntime(name: string): boolean {
  return ['/usr/bin', '/usr/sbin', '/usr/local/bin'].some((folder) => existsSync(`${folder}/${name}`));
}

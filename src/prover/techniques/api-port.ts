/** Attacks the port for the API in a sandbox whose action has a key: tries to get past the API of its own namespace. */
import { setTimeout as delay } from 'node:timers/promises';
import { isJsonObject } from '../../lib/index.ts';
import type { AttackAnswer, Expectation, HostContext, HostTechnique } from '../types.ts';

interface Attack {
  readonly name: string;
  readonly title: string;
  readonly reference: string;
  readonly expects: Expectation;
  /** `caller.py` stands before it. */
  readonly python: string;
}

const attacks: readonly Attack[] = [
  {
    name: 'api-no-key',
    title: 'call the API from a sandbox without a key',
    reference: 'docs/api.md, Calling the platform',
    expects: 'refused',
    python: `
def attack():
    targets = ["", "/_/actions", "/prove/actions/own", "/_/activations", "/_/limits", "/victim/actions/secret"]
    answers = {t: talk(head("GET", "/api/v1/namespaces" + t, None)) for t in targets}
    answers["fire"] = talk(head("POST", "/api/v1/namespaces/_/actions/own", None, "Content-Length: 0\\r\\n"))
    return judge(answers, [401])
`,
  },
  {
    name: 'api-forged-key',
    title: 'call it with keys that are made up of others',
    reference: 'CWE-290, CWE-287',
    expects: 'refused',
    python: `
def attack():
    (uuid, secret), (other, _) = own.split(":"), facts["victimKey"].split(":")
    keys = [f"{uuid}:{'x' * len(secret)}", f"{other}:{secret}", f"{uuid}:", f":{secret}", uuid, secret[:-1], f"{uuid}:{secret}:x", f"{uuid}: {secret}", f"{uuid}:{secret}\\0"]
    target = "/api/v1/namespaces/_/actions"
    answers = {k: talk(head("GET", target, k)) for k in keys}
    for line in ["Bearer " + secret, "Basic", "Basic !!!!", "Basic " + "A" * 4000, "Digest username=victim"]:
        answers[line[:20]] = talk(head("GET", target, None, f"Authorization: {line}\\r\\n"))
    return judge(answers, [400, 401])
`,
  },
  {
    name: 'api-foreign-key',
    title: 'use another tenant’s key, which is good elsewhere',
    reference: 'CWE-441 (confused deputy)',
    expects: 'refused',
    python: `
def attack():
    key = facts["victimKey"]
    targets = ["", "/_/actions", "/_/actions/secret?code=true", "/victim/actions/secret", "/_/packages/vault", "/_/triggers/bell"]
    answers = {t: talk(head("GET", "/api/v1/namespaces" + t, key)) for t in targets}
    both = head("GET", "/api/v1/namespaces/_/actions/secret", own, basic(key))
    answers["both"] = talk(both)
    return judge(answers, [400, 403, 404])
`,
  },
  {
    name: 'api-foreign-entities',
    title: 'reach another tenant’s entities with its own key',
    reference: 'CWE-639',
    expects: 'refused',
    python: `
def attack():
    targets = ["victim/actions/secret", "victim/actions", "victim/packages/vault/secret", "victim/triggers/bell", "victim/activations", "victim/rules", "%76ictim/actions/secret", "_/actions/..%2f..%2fvictim%2factions%2fsecret", "_/actions/%2fvictim%2fsecret", "victim%2fvault/actions", "victim/limits", "VICTIM/actions/secret", "victim%00/actions/secret"]
    answers = {t: talk(head("GET", f"/api/v1/namespaces/{t}", own)) for t in targets}
    for method in ["PUT", "DELETE", "POST"]:
        for t in ["victim/actions/secret", "victim/triggers/bell"]:
            answers[method + t] = talk(head(method, f"/api/v1/namespaces/{t}", own, "Content-Type: application/json\\r\\nContent-Length: 2\\r\\n") + "{}")
    return judge(answers, [400, 403, 404, 405])
`,
  },
  {
    name: 'api-lesser-key',
    title: 'write with a key that may only read',
    reference: 'docs/api.md, Keys',
    expects: 'refused',
    python: `
def attack():
    body = json.dumps({"exec": {"kind": "python:default", "code": "def main(args): return {}"}})
    more = f"Content-Type: application/json\\r\\nContent-Length: {len(body)}\\r\\n"
    answers = {}
    for method, target in [("PUT", "actions/new"), ("PUT", "triggers/new"), ("DELETE", "actions/own"), ("POST", "actions/own")]:
        answers[method + target] = talk(head(method, f"/api/v1/namespaces/_/{target}", facts["lesserKey"], more) + body)
    return judge(answers, [403])
`,
  },
  {
    name: 'api-other-routes',
    title: 'reach the operator’s figures, the registry and what is open to the world',
    reference: 'CWE-552, CWE-1327',
    expects: 'refused',
    python: `
def attack():
    targets = ["/", "/ping", "/metrics", "/v2/", "/v2/_catalog", "/ward/v1/namespaces/_/dead-letters", "/api/v1", "/api/v1/", "/api/v1/api-docs", "/api/v1/web/prove/default/own", "/api/v1/web/victim/vault/secret.json", "/webhooks/x", "/runtime/namespaces/_", "/api/x/y", "/invokers", "/init", "/proc/self/environ"]
    answers = {}
    for t in targets:
        answers[t] = talk(head("GET", t, own))
        answers["OPTIONS " + t] = talk(head("OPTIONS", t, own))
    return judge(answers, [404])
`,
  },
  {
    name: 'api-path-tricks',
    title: 'climb out of the API by the path',
    reference: 'CWE-22, CWE-436, RFC 9112 (forms of the request target)',
    expects: 'refused',
    python: `
def attack():
    base = "/api/v1/namespaces"
    targets = [base + c + t for c in ["/..", "/../..", "/../../..", "/../../../..", "/%2e%2e/%2e%2e/%2e%2e", "/..%2f..%2f..", "/_/..;/..;/..", "/.%00./../..", "\\\\..\\\\..\\\\.."] for t in ["/metrics", "/v2/_catalog", "/ping"]]
    targets += ["//metrics", "/./metrics", "http://x/metrics", "http://127.0.0.1/ping", "*", "x:80", "/metrics?/api/v1/namespaces", "/metrics#/api/v1/namespaces", "/metrics;/api/v1/namespaces", "/%6detrics", "/API/V1/NAMESPACES", "file:///etc/passwd", "/api/v1/namespaces/_/actions/own/../../../../../../ping"]
    answers = {f"{m} {t}": talk(head(m, t, own)) for t in targets for m in ["GET", "CONNECT"]}
    return judge(answers, [0, 400, 404])
`,
  },
  {
    name: 'api-headers',
    title: 'be another caller by headers that proxies set',
    reference: 'CWE-345, CWE-348 (X-Forwarded-For, X-Original-URL)',
    expects: 'refused',
    python: `
def attack():
    lines = ["X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1;host=localhost", "X-Real-IP: 127.0.0.1", "X-Original-URL: /metrics", "X-Rewrite-URL: /metrics", "X-HTTP-Method-Override: GET", "X-Forwarded-User: victim", "X-Namespace: victim", "Connection: Upgrade\\r\\nUpgrade: h2c", "Connection: Authorization", "Host: localhost", "Expect: 100-continue", "Via: 1.1 localhost"]
    answers = {}
    for line in lines:
        for target in ["/metrics", "/api/v1/namespaces/victim/actions/secret"]:
            answers[line + target] = talk(head("GET", target, own, line + "\\r\\n"))
    return judge(answers, [400, 403, 404, 417])
`,
  },
  {
    name: 'api-smuggling',
    title: 'hide a request behind another, for a reader that parses otherwise',
    reference: 'CWE-444, RFC 9112 section 11.2',
    expects: 'refused',
    python: `
def attack():
    hidden = head("DELETE", "/api/v1/namespaces/_/actions/marker", own)
    body = json.dumps({"exec": {"kind": "python:default", "code": "def main(args): return {}"}})
    put = head("PUT", "/api/v1/namespaces/_/actions/marker?overwrite=true", own, f"Content-Type: application/json\\r\\nContent-Length: {len(body)}\\r\\n") + body
    if status(talk(put)) != 200:
        raise RuntimeError("no marker")
    chunked = "Transfer-Encoding: chunked\\r\\n"
    ask = lambda more: head("GET", "/api/v1/namespaces/_/actions/own", own, more)
    tries = [
        ask("Connection: keep-alive\\r\\n") + hidden,
        ask(f"Content-Length: {len(hidden)}\\r\\n{chunked}") + "0\\r\\n\\r\\n" + hidden,
        ask(f"{chunked}Content-Length: 4\\r\\n") + "0\\r\\n\\r\\n" + hidden,
        ask("Transfer-Encoding: xchunked\\r\\n") + hidden,
        ask("Transfer-Encoding: chunked, identity\\r\\n") + "0\\r\\n\\r\\n" + hidden,
        ask("Transfer-Encoding:\\x0bchunked\\r\\n") + "0\\r\\n\\r\\n" + hidden,
        ask("Content-Length: 0\\r\\nContent-Length: 9\\r\\n") + hidden,
        ask("Content-Length: +0\\r\\n") + hidden,
        ask("X: y\\nContent-Length: 0\\r\\n") + hidden,
        ask("Upgrade: x\\r\\nConnection: Upgrade\\r\\n") + hidden,
    ]
    answers = [talk(each) for each in tries]
    left = status(talk(head("GET", "/api/v1/namespaces/_/actions/marker", own)))
    # A refusal of anything after the first request is not an answer to that.
    heard = max(answer.count("HTTP/1.1 2") for answer in answers)
    if left != 200 or heard > 1:
        return escaped(f"{heard} answers on one connection; what was to stay: {left}")
    return blocked("refused", f"of {len(tries)} connections none did more than its first request")
`,
  },
  {
    name: 'api-large-head',
    title: 'fill the host’s memory with a head that does not end',
    reference: 'CWE-770, CVE-2018-12121',
    expects: 'limit',
    python: `
def attack():
    answers = [talk("GET / HTTP/1.1\\r\\nHost: x\\r\\n" + more) for more in ["X: " + "x" * 4_000_000, "X: y\\r\\n" * 200_000, "A" * 100_000 + ": x\\r\\n"]]
    answers.append(talk("GET /" + "x" * 4_000_000))
    wrong = [a[:80] for a in answers if status(a) not in (0, 400, 414, 431)]
    return escaped(wrong) if wrong else blocked("limit", [status(a) for a in answers])
`,
  },
  {
    name: 'api-relay-end',
    title: 'find, trace or end the process that carries the calls',
    reference: 'pid_namespaces(7), ptrace(2)',
    expects: 'absent',
    python: `
def attack():
    seen = [p for p in os.listdir("/proc") if p.isdigit() and int(p) not in (1, os.getpid(), os.getppid())]
    for pid in range(2, 400):
        if pid not in (os.getpid(), os.getppid()):
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
    alive = status(talk(head("GET", "/api/v1/namespaces/_/actions/own", own))) == 200
    if seen or not alive:
        return escaped(f"saw {seen}, and the port is {'open' if alive else 'dead'}")
    return blocked("absent", "no process of the host is seen, and none was reached")
`,
  },
  {
    name: 'api-other-sockets',
    title: 'find the sockets by which sandboxes are told apart',
    reference: 'unix(7), CVE-2020-15257',
    expects: 'absent',
    python: `
def attack():
    found = []
    for place in ["/run/ward", "/run", "/var/run", "/tmp", "/var/lib/ward"]:
        for folder, _, files in os.walk(place):
            found += [os.path.join(folder, f) for f in files if "socket" in f or "ward" in f]
    try:
        found += [l for l in open("/proc/net/unix").read().split("\\n") if "/" in l or "@" in l]
    except OSError:
        pass
    for address in ["127.0.0.2", "127.0.0.3", "127.255.255.254", "::1", "0.0.0.0"]:
        try:
            with socket.create_connection((address, 3233), 1):
                if address != "0.0.0.0":
                    found.append(address)
        except OSError:
            pass
    return escaped(found) if found else blocked("absent", "no socket but its own port")
`,
  },
];

/** How many were held open is the host's to say. */
const flood = `
def attack():
    held = []
    for _ in range(400):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(port)
        held.append(s)
    end = time.monotonic() + 2
    while time.monotonic() < end:
        for s in held:
            try:
                s.send(b"G")
            except OSError:
                pass
        time.sleep(0.05)
    for s in held:
        s.close()
    return blocked("limit", "400 were tried")
`;

/** Asks without an end, from before its answer until long after. */
const restless = `
count = 0
def attack():
    def ask():
        global count
        while True:
            try:
                talk(head("GET", "/api/v1/namespaces", own), 1)
                count += 1
            except OSError:
                time.sleep(0.01)
    threading.Thread(target=ask, daemon=True).start()
    time.sleep(0.2)
    return {"asked": count}
def again():
    return {"asked": count}
`;

const control = 'api-entrance';

export const apiTechniques: readonly HostTechnique[] = [
  ...attacks.map(
    ({ python, expects, ...head }): HostTechnique => ({
      ...head,
      ...{ vector: 'application', control, expects: expects === 'absent' ? ['absent'] : [expects, 'absent'] },
      run: async (context) => answerOf(await (await context.deployCaller(python)).call()),
    }),
  ),
  {
    name: 'api-connections',
    title: 'hold hundreds of connections to the API open',
    reference: 'CWE-400, CWE-770',
    ...{ vector: 'application', control, expects: ['limit', 'absent'] },
    async run(context) {
      const caller = await context.deployCaller(flood);
      const answer = answerOf(await caller.call());
      const { most } = caller.connections();
      if (answer.outcome === 'BLOCKED' && most > 200)
        return { outcome: 'ESCAPED', detail: `${most} at once` };
      return answer.outcome === 'BLOCKED' ? { ...answer, detail: `${most} of 400 at once` } : answer;
    },
  },
  {
    name: 'api-frozen',
    title: 'go on calling the API while the sandbox should stand still',
    reference: 'docs/api.md, Calling the platform',
    ...{ vector: 'application', control, expects: ['frozen', 'absent'] },
    timeoutMs: 40_000,
    run: callWhileFrozen,
  },
];

async function callWhileFrozen(context: HostContext): Promise<AttackAnswer> {
  const caller = await context.deployCaller(restless);
  const first = await caller.call();
  if (first['outcome'] === 'BLOCKED') return answerOf(first);
  // A busy machine may take a while to freeze it.
  for (const patienceMs of [500, 3000, 10_000]) {
    await delay(patienceMs);
    const before = caller.connections();
    await delay(400);
    const after = caller.connections();
    if (after.all !== before.all || after.open > 0) continue;
    const again = await caller.call({ again: true });
    return {
      outcome: 'BLOCKED',
      answer: 'frozen',
      detail: `asked ${String(again['asked'])} times, none of them while it stood still`,
    };
  }
  return { outcome: 'ESCAPED', detail: 'it asks on and on' };
}

function answerOf(value: unknown): AttackAnswer {
  if (!isJsonObject(value)) throw new Error('no answer');
  const { outcome, answer, detail } = value;
  if (outcome === 'BLOCKED' && typeof answer === 'string') return { outcome, answer, detail: String(detail) };
  if (outcome === 'ESCAPED') return { outcome, detail: String(detail) };
  throw new Error(JSON.stringify(value).slice(0, 500));
}

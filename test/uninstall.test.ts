/**
 * `ward uninstall` on a throw-away machine: a mount namespace whose /etc, /usr/local, /var/lib, /var/cache, /run,
 * /sys/fs/cgroup and checkout are copies of the machine's, made by overlays in memory. The paths are the real ones, but
 * the machine's own files stay untouched.
 */
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { type CommandResult, runCommand } from '../src/lib/index.ts';
import { checkout } from './linked-command.ts';
import { missingForSandboxes, outsideEnv } from './ward.ts';

const images = '/var/lib/ward/images';
const missing =
  missingForSandboxes() ??
  (existsSync(join(images, 'index.json')) ? undefined : `needs the images in ${images}`);

/** Lines `== NAME` separate the steps in its output. */
const script = `
place=$1 checkout=$2 node=$3
mount -t tmpfs none "$place"
mkdir "$place/home" && export HOME="$place/home"
# TMPDIR is compared too.
mkdir "$place/tmp" && export TMPDIR="$place/tmp"
for path in /etc /usr/local /var/lib /var/cache "$checkout"; do
  mkdir -p "$place/upper$path" "$place/work$path"
  mount -t overlay overlay -o "lowerdir=$path,upperdir=$place/upper$path,workdir=$place/work$path" "$path"
done
mount -t tmpfs none /run
cd "$checkout"
# A machine that never had Ward, except for the images: those of the set-up are too large to make here.
find /var/lib/ward -mindepth 1 -maxdepth 1 ! -name images -exec rm -rf {} +
rm -rf /usr/local/bin/ward /var/cache/ward .cache
# Other tests add files below it.
for _ in 1 2 3 4 5; do rm -rf node_modules/.cache 2>/dev/null && break; done
if getent passwd ward >/dev/null; then userdel ward; fi
# crun and mount(8) make files when they first run, which stay until the next boot.
mkdir -m 700 /run/crun && mkdir -p /run/mount
snapshot() {
  { find /etc /usr/local "$HOME" "$TMPDIR" /run "$checkout/.cache" "$checkout/node_modules/.cache" \
    -type d -printf '%p %m\\n' -o -printf '%p %y %m %s %l\\n' 2>/dev/null || :; } |
    # Without the backup copies that useradd and userdel keep.
    grep -Ev '^/etc/g?(passwd|group|shadow)- ' | sort
  find /var/lib /var/cache -maxdepth 1 ! -name ward -printf '%p %y %m\\n' | sort
}
mkdir -p node_modules/.cache
snapshot >"$place/before"
mkdir -p /var/cache/ward/lsm

"$node" --input-type=module -e '
  const { linkCommand } = await import(process.argv[1] + "/scripts/setup/link.mjs");
  const { recordInstalled } = await import(process.argv[1] + "/scripts/setup/record.mjs");
  const log = process.argv[1] + "/.cache/setup/link.log";
  console.log(await linkCommand({ root: process.argv[1], log, prefix: [] }));
  await recordInstalled({ packages: ["crun", "socat"] }, { log, prefix: [] });
  const { createAccount } = await import(process.argv[1] + "/scripts/setup/account.mjs");
  await createAccount([], log);
  await recordInstalled({ accounts: ["ward"] }, { log, prefix: [] });
' "$checkout"
echo '== account'
getent passwd ward
getent group ward
getent shadow ward
data=/var/lib/ward-e2e-$$
printf 'logLevel: warn\\ninvoker: { prewarm: [] }\\n' >"$HOME/ward.yaml"
/usr/local/bin/ward up --listen 127.0.0.1:0 --data "$data" --config "$HOME/ward.yaml" >"$HOME/said" 2>"$HOME/log" &
server=$!
until url=$(sed -n 's/^ready //p' "$HOME/said") && [ -n "$url" ]; do kill -0 $server || { cat "$HOME/log"; exit 9; }; done
export WARD_APIHOST=$url WARD_DATA=$data WSK_CONFIG_FILE=/nonexistent
/usr/local/bin/ward action create hello examples/hello.js
/usr/local/bin/ward action invoke hello --result --param name World
/usr/local/bin/ward namespace create acme >/dev/null
# Their reports stay in the data folder. What they find here is for other tests.
/usr/local/bin/ward doctor --config "$HOME/ward.yaml" >/dev/null 2>&1 || :
/usr/local/bin/ward prove --only mount-proc --config "$HOME/ward.yaml" >/dev/null 2>&1 || :
[ -e "$data/doctor.json" ] && [ -e "$data/prove.json" ]
echo '== running'
/usr/local/bin/ward uninstall --yes 2>&1 && exit 8
[ -e "$data/state/ward.db" ]
kill -TERM $server
wait $server
rm "$HOME/ward.yaml" "$HOME/said" "$HOME/log"

# The traces of a killed Ward, in hierarchies of the test's own.
folders=$(sed -n 's/^[^ ]* \\([^ ]*\\) cgroup2\\{0,1\\} .*/\\1/p' /proc/mounts)
mount -t tmpfs none /sys/fs/cgroup
for folder in $folders; do mkdir -p "$folder/ward/0123456789ab/sandbox"; done
echo '== plan'
/usr/local/bin/ward uninstall </dev/null 2>&1
[ -e "$data/state/ward.db" ] && [ -x /usr/local/bin/ward ]
echo '== stranger'
chown 12345 /var/lib/ward/set-up.json
/usr/local/bin/ward uninstall --dry-run -o json 2>/dev/null
chown root /var/lib/ward/set-up.json
echo '== notes'
echo mine >"$data/notes.txt"
/usr/local/bin/ward uninstall --dry-run -o json 2>/dev/null
rm "$data/notes.txt"
echo '== done'
/usr/local/bin/ward uninstall --yes 2>&1
echo '== after'
find /sys/fs/cgroup -name ward
find /var/lib /var/cache -maxdepth 1 -name 'ward*'
mkdir -p node_modules/.cache
snapshot >"$place/after"
diff "$place/before" "$place/after" && echo the same
`;

const outputs = new Map<string, string>();
let outcome: CommandResult;

beforeAll(async () => {
  if (missing !== undefined) return;
  const place = await mkdtemp(join(tmpdir(), 'ward-uninstall-'));
  // Sandboxes must pass through it.
  await chmod(place, 0o711);
  try {
    await writeFile(join(place, 'script'), script);
    const { WARD_IMAGES: _, ...env } = outsideEnv();
    outcome = await runCommand(
      [
        // With its own processes too: userdel removes no user that has one, and servers of other tests may run.
        ...['unshare', '--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child'],
        ...['--mount-proc', '--'],
        ...['bash', '-euo', 'pipefail', '-c', await readFile(join(place, 'script'), 'utf8'), 'script'],
        ...[place, checkout, process.execPath],
      ],
      { env, timeoutMs: 120_000 },
    );
    for (const part of outcome.stdout.split(/^== /m)) outputs.set(part.split('\n')[0] ?? '', part);
  } finally {
    await rm(place, { recursive: true, force: true });
  }
});

const title = missing === undefined ? '' : ` (${missing})`;

test.skipIf(missing !== undefined)(`while a Ward runs, nothing is removed${title}`, () => {
  expect(outputs.get('running')).toMatch(
    /^error\[WARD_RUNNING\]: a Ward is running: \S+\ntry: {3}stop it first/m,
  );
});

test.skipIf(missing !== undefined)(
  'without a terminal and --yes, it only says what would be removed and what stays',
  () => {
    const plan = outputs.get('plan') ?? outcome.stdout + outcome.stderr;
    for (const line of [
      /^command +\/usr\/local\/bin\/ward$/m,
      /^image store +\/var\/lib\/ward\/images$/m,
      /^data +\/var\/lib\/ward-e2e-\d+\/state$/m,
      /^data +\/var\/lib\/ward\/set-up\.json$/m,
      /^working files +\/run\/ward$/m,
      /^control groups +\/sys\/fs\/cgroup\/.*ward$/m,
      /^user and group +ward$/m,
      /^stays: the checkout: rm -rf \S+$/m,
      /^the set-up installed these packages; .*: apt-get purge crun socat$/m,
      /^nothing was removed: without a terminal, use --yes$/m,
    ])
      expect(plan).toMatch(line);
    const { removals, stays } = JSON.parse((outputs.get('notes') ?? '').replace('notes\n', ''));
    expect(JSON.stringify(removals)).not.toContain('notes.txt');
    expect(stays).toContainEqual(expect.stringMatching(/\/notes\.txt, which Ward did not make$/));
  },
);

test.skipIf(missing !== undefined)(
  'the account that the set-up made has no home, no shell and no password',
  () => {
    expect(outputs.get('account')).toMatch(
      /^account\nward:x:(\d{3}):(\d{3}):Ward:\/nonexistent:\/usr\/sbin\/nologin\nward:x:\2:\nward:!\*?:/,
    );
  },
);

test.skipIf(missing !== undefined)('a record that does not belong to root is ignored', () => {
  const { packages, removals } = JSON.parse((outputs.get('stranger') ?? '').replace('stranger\n', ''));
  expect(packages).toEqual([]);
  expect(JSON.stringify(removals)).not.toContain('user and group');
});

test.skipIf(missing !== undefined)('with --yes the machine is as before', () => {
  expect(outputs.get('done')).toContain('ok: Ward is removed from this machine');
  expect(outputs.get('after'), outcome.stdout + outcome.stderr).toBe('after\nthe same\n');
  expect(outcome.code).toBe(0);
});

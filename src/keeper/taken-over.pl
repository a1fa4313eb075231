# Plays a compromised process of Ward's: tries what a server must not be able to do, and prints the kernel's answer to
# each attempt: `NAME done` or `NAME ERRNO`. An attempt that succeeds does no harm: it opens without writing, attaches
# and detaches, or passes arguments that the kernel refuses after it has checked the rights. Arguments: the keeper's
# pid, a pid of another user's, a file of another user's, a folder to mount on, a folder of the keeper's, one that
# everyone may write to, and a listening port of this machine, or 0 for a server: a process that only reads must not be
# able to do some more things. Lines `own-…` are what the kernel says of this process itself.
use strict;
use warnings;
use Config;
use Errno;
use Fcntl qw(O_RDONLY O_RDWR O_WRONLY O_CREAT O_EXCL);
use POSIX ();

my ($keeper, $stranger, $file, $folder, $kept, $shared, $port) = @ARGV;
my $isArm = $Config{archname} =~ /^aarch64/;
# System call numbers of x86-64 and arm64 (unistd.h).
my %numbers = (
  ptrace => [101, 117], process_vm_readv => [310, 270], pidfd_open => [434, 434], pidfd_getfd => [438, 438],
  mount => [165, 40], unshare => [272, 97], setns => [308, 268], init_module => [175, 105], bpf => [321, 280],
  open_by_handle_at => [304, 265], perf_event_open => [298, 241], kexec_load => [246, 104], setuid => [105, 146],
  setgroups => [116, 159], memfd_create => [319, 279], mknodat => [259, 33], chroot => [161, 51], sethostname => [170, 161], add_key => [248, 217],
);
sub call { my ($name, @words) = @_; return syscall($numbers{$name}[$isArm ? 1 : 0], @words) }
sub made {
  my ($path) = @_;
  my $made = opens($path, O_WRONLY | O_CREAT | O_EXCL);
  unlink $path if $made == 0;
  return $made;
}
sub opens { my ($path, $flags) = @_; return sysopen(my $handle, $path, $flags, 0600) ? 0 : -1 }

# Open it here, because Landlock may refuse it in the child processes.
open(my $listed, '<', '/proc/self/net/dev') or die "devices: $!";
my $devices = grep { /^\s*([^\s:]+):/ && $1 ne 'lo' } <$listed>;

my $bytes = "\0" x 64;
my @attempts = (
  ['keeper-memory', sub { opens("/proc/$keeper/mem", O_RDONLY) }],
  ['keeper-environment', sub { opens("/proc/$keeper/environ", O_RDONLY) }],
  ['keeper-root', sub { opens("/proc/$keeper/root/etc/hostname", O_RDONLY) }],
  ['keeper-vm-read', sub {
    my $at = unpack('J', pack('p', $bytes));
    my $vector = pack('JJ', $at, 8);
    return call('process_vm_readv', int $keeper, $vector, 1, $vector, 1, 0);
  }],
  # PTRACE_SEIZE does not stop the process, and ends with this one.
  ['keeper-trace', sub { call('ptrace', 0x4206, int $keeper, 0, 0) }],
  ['keeper-descriptor', sub {
    my $held = call('pidfd_open', int $keeper, 0);
    return $held < 0 ? -1 : call('pidfd_getfd', $held, 0, 0);
  }],
  ['keeper-signal', sub { kill(0, $keeper) ? 0 : -1 }],
  ['stranger-signal', sub { kill(0, $stranger) ? 0 : -1 }],
  ['stranger-file', sub { opens($file, O_RDONLY) }],
  ['shadow', sub { opens('/etc/shadow', O_RDONLY) }],
  ['kept-folder', sub { made("$kept/taken-over") }],
  ['kernel-setting', sub { opens('/proc/sys/kernel/core_pattern', O_WRONLY) }],
  ['mount', sub { my ($type, $none) = ("tmpfs\0", "none\0"); call('mount', $none, "$folder\0", $type, 0, 0) }],
  ['namespace-user', sub { call('unshare', 0x10000000) }],
  ['namespace-mount', sub { call('unshare', 0x00020000) }],
  ['namespace-of-keeper', sub {
    return -1 unless sysopen(my $handle, "/proc/$keeper/ns/mnt", O_RDONLY);
    return call('setns', fileno $handle, 0x00020000);
  }],
  ['root-folder', sub { call('chroot', "/\0") }],
  ['module', sub { call('init_module', $bytes, 64, "\0") }],
  ['kexec', sub { call('kexec_load', 0, 1_000, 0, 0) }],
  ['bpf', sub { call('bpf', 5, $bytes, 48) }],
  ['perf', sub { call('perf_event_open', pack('LLQ', 1, 112, 0) . "\0" x 96, -1, 0, -1, 0) }],
  ['file-handle', sub { sysopen(my $handle, '/', O_RDONLY) or return -1; call('open_by_handle_at', fileno $handle, pack('Ll', 8, 1) . $bytes, 0) }],
  ['become-root', sub { call('setuid', 0) }],
  ['groups', sub { call('setgroups', 0, 0) }],
  ['device', sub {
    my $path = "$folder/taken-over";
    my $made = call('mknodat', -100, "$path\0", 020600, 0x103);
    unlink $path if $made == 0;
    return $made;
  }],
  ['raw-packets', sub { socket(my $handle, 17, 3, 0) ? 0 : -1 }],
  ['priority', sub { setpriority(0, 0, -5) ? 0 : -1 }],
  # TIOCSTI: types into a terminal.
  ['terminal', sub { my $typed = "\0"; defined ioctl(STDIN, 0x5412, $typed) ? 0 : -1 }],
);
push @attempts, (
  ['network', sub {
    socket(my $end, 2, 1, 0) or return -1;
    return connect($end, pack('S n C4 x8', 2, $port, 127, 0, 0, 1)) ? 0 : -1;
  }],
  # Network devices other than the machine's own loopback.
  ['devices', sub { $! = Errno::EACCES(); return $devices ? 0 : -1 }],
  ['socket', sub { socket(my $end, 1, 1, 0) ? 0 : -1 }],
  ['memory-file', sub { call('memfd_create', "taken-over\0", 0) }],
  ['queue', sub {
    my $id = msgget(0, 0600);
    msgctl($id, 0, 0) if defined $id;
    return defined $id ? 0 : -1;
  }],
) if $port;
push @attempts, ['process', sub {
  defined(my $child = fork) or return -1;
  POSIX::_exit(0) if $child == 0;
  waitpid($child, 0);
  return 0;
}] if $port;
push @attempts, ['shared-folder', sub { made("$shared/taken-over") }];

open(my $status, '<', '/proc/self/status') or die "status: $!";
my %own = map { /^(\w+):\s*(.*?)\s*$/ ? ($1 => $2) : () } <$status>;
my %differ = map { $_ => 1 } map { split ' ', $own{$_} } qw(Uid Gid);
my $held = 0;
$held |= hex $own{$_} for grep { /^Cap/ } keys %own;
print "own-ids ", join(',', sort { $a <=> $b } keys %differ), "\n";
print "own-groups ", scalar(split ' ', $own{Groups}), "\n";
printf "own-capabilities %x\n", $held;
print "own-no-new-privileges $own{NoNewPrivs}\n";
$|++;

my %nameOf = map { (Errno->can($_)->() => $_) } grep { Errno->can($_) } @Errno::EXPORT_OK;
sub answerOf {
  my ($try) = @_;
  $! = 0;
  my $answer = $try->();
  return $answer >= 0 ? 'done' : $nameOf{ $! + 0 } // 'E' . ($! + 0);
}
for my $attempt (@attempts) {
  my ($name, $try) = @$attempt;
  # Each attempt has its own process, so that one that works neither helps nor hinders the next.
  my $child = fork;
  if (!defined $child) {
    die "fork: $!" unless $!{EPERM};
    # If it can't fork, the first attempt that works is the last one.
    my $said = answerOf($try);
    syswrite(STDOUT, "$name $said\n");
    last if $said eq 'done';
    next;
  }
  if ($child == 0) {
    syswrite(STDOUT, "$name " . answerOf($try) . "\n");
    POSIX::_exit(0);
  }
  waitpid($child, 0);
  syswrite(STDOUT, "$name killed\n") if $? != 0;
}

# Sets limits on itself that the kernel passes on to every process that it becomes and starts. Then it becomes the
# program: a runtime, and so the whole sandbox. ARCH WORDS PROGRAM…: the limits, separated by commas.
# ARCH try WORD…: prints which of the limits can be set here, and ends.
# wait: reads a working folder, all these arguments and `end` from descriptor 4, with NUL bytes between them.
#
# No `use strict` and `use warnings`: loading them takes longer than the rest, and every sandbox waits for it.

if ($ARGV[0] eq 'wait') {
    open(my $line, '<&=', 4) or die "descriptor 4: $!\n";
    my ($folder, @told) = split /\0/, join('', <$line>), -1;
    close $line;
    # The process that prepared this one no longer needs it, or has ended before it had written everything.
    exit 0 unless @told && pop(@told) eq 'end';
    chdir $folder or die "$folder: $!\n";
    @ARGV = @told;
}
my ($arch, $words, @program) = @ARGV;
my ($prctl, $unshare) = $arch eq 'arm64' ? (167, 97) : (157, 272);

# linux/prctl.h: PR_GET_SPECULATION_CTRL, PR_SET_SPECULATION_CTRL, PR_SPEC_FORCE_DISABLE; PR_SPEC_PRCTL is bit 0.
sub speculation {
    my $kind = shift;
    my $state = syscall($prctl, 52, $kind, 0, 0, 0);
    return 0 if $state < 0 || !($state & 1);
    return syscall($prctl, 53, $kind, 8, 0, 0) == 0;
}

my %steps = (
    # PR_SPEC_STORE_BYPASS, PR_SPEC_INDIRECT_BRANCH
    'store-bypass' => sub { speculation(0) },
    'indirect-branch' => sub { speculation(1) },
    # PR_SCHED_CORE, PR_SCHED_CORE_CREATE for this thread alone: a new cookie.
    'core' => sub { syscall($prctl, 62, 1, 0, 0, 0) == 0 },
    # landlock(7): a ruleset without rights to files or ports, scoped to abstract sockets and signals.
    'scope' => sub {
        my $attributes = pack('QQQ', 0, 0, 3);
        my $ruleset = syscall(444, $attributes, length $attributes, 0);
        return $ruleset >= 0 && syscall(446, $ruleset, 0) == 0;
    },
    # PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN
    'no-write-execute' => sub { syscall($prctl, 65, 1, 0, 0, 0) == 0 },
    # time_namespaces(7), CLONE_NEWTIME: from the next program on, the clocks since boot are this many seconds ahead.
    'clocks' => sub {
        my $seconds = int shift;
        return 0 if syscall($unshare, 0x80) != 0;
        open(my $offsets, '>', '/proc/self/timens_offsets') or return 0;
        print $offsets "monotonic $seconds 0\nboottime $seconds 0\n";
        return close $offsets;
    },
);

if ($words eq 'try') {
    # Each try runs in a child, so that no limit stays.
    for my $step (@program) {
        my $child = fork() // die "fork: $!\n";
        if ($child == 0) { exit($steps{$step}->() ? 0 : 1) }
        waitpid($child, 0);
        print "$step\n" if $? == 0;
    }
    exit 0;
}
for my $step (split /,/, $words) {
    my ($name, $value) = split /=/, $step;
    $steps{$name} && $steps{$name}->($value) or die "$name can't be set: $!\n";
}
exec { $program[0] } @program or die "$program[0]: $!\n";

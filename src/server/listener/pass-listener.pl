# Takes a listening socket from another process and becomes a program that has it as descriptor 3:
# pass-listener.pl HOW PID DESCRIPTOR INODE PROGRAM [ARGUMENT …]
# The socket must have this inode. HOW is `holder`: a process that is no longer needed and is ended; or `server`: a Ward
# that goes on serving until the program writes a byte to descriptor 4, which a child of this turns into SIGUSR2. The
# program may be in a pid namespace from which that Ward can't be reached. If it ends before, nothing is sent.
use strict;
use warnings;
use POSIX ();

my ($how, $pid, $number, $inode, @program) = @ARGV;
# The same on every architecture: pidfd_send_signal(2), pidfd_open(2), pidfd_getfd(2).
my ($send, $open, $get) = (424, 434, 438);

sub fail {
  my ($why) = @_;
  print STDERR "error[TAKE_OVER_FAILED]: the listening socket can't be taken: $why\n";
  print STDERR "try:   the Ward that runs is undisturbed; stop it, and start this one without --take-over\n" if $how eq 'server';
  exit 1;
}

my $other = syscall($open, int $pid, 0);
fail("process $pid: $!") if $other < 0;
my $socket = syscall($get, $other, int $number, 0);
fail("descriptor $number of process $pid: $!") if $socket < 0;
fail('it is another one by now') unless (readlink("/proc/self/fd/$socket") // '') eq "socket:[$inode]";

my @passed = ($socket);
if ($how eq 'holder') {
  kill 'KILL', $pid;
  waitpid $pid, 0;
} else {
  pipe(my $heard, my $said) or fail($!);
  my $child = fork // fail($!);
  if ($child == 0) {
    close $said;
    POSIX::close($socket);
    syscall($send, $other, POSIX::SIGUSR2, 0, 0) if sysread($heard, my $word, 1);
    POSIX::_exit(0);
  }
  close $heard;
  push @passed, POSIX::dup(fileno $said);
}
# First out of the way of each other.
my @aside = map { POSIX::dup2($passed[$_], 20 + $_); 20 + $_ } 0 .. $#passed;
POSIX::close($_) for @passed;
for my $index (0 .. $#aside) {
  POSIX::dup2($aside[$index], 3 + $index);
  POSIX::close($aside[$index]);
}
exec { $program[0] } @program or fail("$program[0]: $!");

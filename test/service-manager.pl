# Does what systemd does for a service with a socket: listens on a free port of 127.0.0.1, and passes the socket to the
# program that it runs (sd_listen_fds(3)). SIGUSR1 stops the program and starts it again. SIGTERM stops it and ends with
# its exit code. Arguments: the number of sockets to announce, `tcp` or `udp`, PROGRAM…
use strict;
use warnings;
use IO::Socket::INET;
use POSIX ();

my ($count, $proto, @program) = @ARGV;
my $socket = IO::Socket::INET->new(
  LocalAddr => '127.0.0.1', LocalPort => 0, Proto => $proto, $proto eq 'tcp' ? (Listen => 4096) : ()
) or die "socket: $!";
my ($again, $over) = (1, 0);
my $child;
$SIG{USR1} = sub { $again = 1; kill 'TERM', $child };
$SIG{TERM} = sub { $over = 1; kill 'TERM', $child };
my $code = 0;
while ($again && !$over) {
  $again = 0;
  $child = fork // die "fork: $!";
  if ($child == 0) {
    ($ENV{LISTEN_PID}, $ENV{LISTEN_FDS}) = ($$, $count);
    POSIX::dup2(fileno $socket, 3) if fileno $socket != 3;
    $^F = 3;
    fcntl($socket, 2, 0) if fileno $socket == 3;
    exec { $program[0] } @program or die "$program[0]: $!";
  }
  my $ended;
  do { $ended = waitpid $child, 0 } until $ended == $child;
  $code = $? >> 8;
}
exit $code;

# Connects a TCP port of the loopback to a Unix socket: PORT PATH MOST. MOST connections at once; further ones wait in
# the kernel. One process handles all of them: it never forks, and keeps one chunk for each end.
use strict;
use warnings;
use Socket qw(AF_INET AF_UNIX SOCK_STREAM SOL_SOCKET SO_REUSEADDR IPPROTO_TCP TCP_NODELAY
  INADDR_LOOPBACK pack_sockaddr_in pack_sockaddr_un);
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK);
use Errno qw(EAGAIN EINTR);

my ($port, $path, $most) = @ARGV;
my $chunk = 16384;
# Time for a client to hang up after its answer; closed at once, the connection could lose the end of the answer.
my $linger = 1;

$SIG{PIPE} = 'IGNORE';
socket(my $listener, AF_INET, SOCK_STREAM, 0) or die "socket: $!\n";
setsockopt($listener, SOL_SOCKET, SO_REUSEADDR, 1);
bind($listener, pack_sockaddr_in($port, INADDR_LOOPBACK)) or die "port $port: $!\n";
listen($listener, 256) or die "port $port: $!\n";
unblock($listener);
syswrite(STDOUT, "listening\n");

# Each is {client, host, until}; an end is {socket, out, ended, shut}: the data still to send to it, whether it has sent
# its last byte, and whether it knows that the other has.
my @joints;
while (1) {
  my ($reads, $writes, $wait) = ('', '', undef);
  vec($reads, fileno $listener, 1) = 1 if @joints < $most;
  for my $joint (@joints) {
    my ($client, $host) = @$joint{qw(client host)};
    for ([$client, $host], [$host, $client]) {
      my ($end, $other) = @$_;
      vec($reads, fileno $end->{socket}, 1) = 1 if !$end->{ended} && length $other->{out} < $chunk;
      vec($writes, fileno $end->{socket}, 1) = 1 if length $end->{out};
    }
    next if !$joint->{until};
    my $left = $joint->{until} - time;
    $wait = $left if !defined $wait || $left < $wait;
  }
  $wait = 0 if defined $wait && $wait < 0;
  my $found = select($reads, $writes, undef, $wait);
  next if $found < 0;
  for my $joint (@joints) { carry($joint, $reads, $writes) }
  @joints = grep { !$_->{over} } @joints;
  take() if vec($reads, fileno $listener, 1);
}

sub take {
  accept(my $client, $listener) or return;
  # This waits only while the host has not accepted earlier connections.
  socket(my $host, AF_UNIX, SOCK_STREAM, 0) or return;
  connect($host, pack_sockaddr_un($path)) or return;
  setsockopt($client, IPPROTO_TCP, TCP_NODELAY, 1);
  unblock($_) for $client, $host;
  push @joints, { client => { socket => $client, out => '' }, host => { socket => $host, out => '' } };
}

sub carry {
  my ($joint, $reads, $writes) = @_;
  my ($client, $host) = @$joint{qw(client host)};
  for ([$client, $host], [$host, $client]) {
    my ($end, $other) = @$_;
    receive($end, $other) if vec($reads, fileno $end->{socket}, 1) && !$end->{ended};
    send_out($other) if length $other->{out};
    next if !$end->{ended} || length $other->{out} || $other->{shut};
    shutdown($other->{socket}, 1);
    $other->{shut} = 1;
  }
  $joint->{until} ||= time + $linger + 1 if $client->{shut};
  $joint->{over} = ($client->{ended} && $host->{ended} && $client->{shut} && $host->{shut})
    || ($joint->{until} && time >= $joint->{until});
}

sub receive {
  my ($end, $other) = @_;
  my $count = sysread($end->{socket}, my $bytes, $chunk);
  return if !defined $count && ($! == EAGAIN || $! == EINTR);
  if ($count) { $other->{out} .= $bytes if !$other->{deaf} }
  else { $end->{ended} = 1 }
}

sub send_out {
  my ($end) = @_;
  my $count = syswrite($end->{socket}, $end->{out});
  if (defined $count) { substr($end->{out}, 0, $count, '') }
  elsif ($! != EAGAIN && $! != EINTR) { @$end{qw(out deaf)} = ('', 1) }
}

sub unblock {
  my ($socket) = @_;
  fcntl($socket, F_SETFL, fcntl($socket, F_GETFL, 0) | O_NONBLOCK);
}

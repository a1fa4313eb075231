# Prints the id of the process that holds a POSIX lock on a file, or 0: lock-holder.pl FILE
use strict;
use warnings;

open(my $file, '+<', $ARGV[0]) or die "$ARGV[0]: $!\n";
# fcntl(2): F_GETLK with F_WRLCK for all of it; the answer has F_UNLCK when nothing is in the way.
my ($getLock, $write, $unlocked) = (5, 1, 2);
my $layout = 's s x4 q q i x4';
my $lock = pack($layout, $write, 0, 0, 0, 0);
fcntl($file, $getLock, $lock) or die "$ARGV[0]: $!\n";
my ($type, undef, undef, undef, $pid) = unpack($layout, $lock);
print $type == $unlocked ? 0 : $pid, "\n";

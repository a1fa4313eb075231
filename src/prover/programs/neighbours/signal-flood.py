number = signal.SIGRTMIN + 1
signal.pthread_sigmask(signal.SIG_BLOCK, [number])
most = facts["rlimits"]["RLIMIT_SIGPENDING"]
try:
    for _ in range(most + 64):
        os.kill(os.getpid(), number)
except OSError as error:
    blocked(error)
kept = 0
while signal.sigtimedwait([number], 0) is not None:
    kept += 1
# The kernel may note one more as a bit, without a place in the queue.
if kept > most + 1:
    escaped("%d signals wait, %d are allowed" % (kept, most))
blocked("limit", "%d signals of %d waited" % (kept, most + 64))

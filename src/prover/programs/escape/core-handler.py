import resource
child = os.fork()
if child == 0:
    os.abort()
_, status = os.waitpid(child, 0)
if os.WCOREDUMP(status):
    escaped("memory was dumped")
limit = resource.getrlimit(resource.RLIMIT_CORE)
# At 0 the kernel writes no file, but still runs a handler if core_pattern begins with a pipe.
if limit != (1, 1):
    escaped("RLIMIT_CORE is %d, at which the kernel runs the host’s handler, if any" % limit[0])
blocked("limit", "RLIMIT_CORE is 1, at which the kernel runs no handler")

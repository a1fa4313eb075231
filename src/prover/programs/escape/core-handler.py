import resource
child = os.fork()
if child == 0:
    os.abort()
_, status = os.waitpid(child, 0)
if os.WCOREDUMP(status):
    escaped("memory was dumped")
limit = resource.getrlimit(resource.RLIMIT_CORE)
# At 0 no file is written, and a core_pattern with a pipe is run all the same.
if limit != (1, 1):
    escaped("RLIMIT_CORE is %d, where the kernel runs a handler, if the host has one" % limit[0])
blocked("limit", "RLIMIT_CORE is 1, at which the kernel runs no handler")

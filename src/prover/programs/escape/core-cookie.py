# PR_SCHED_CORE with a command that does not exist: the answer shows whether the filter allows the call.
let_through(lambda: syscall("prctl", 62, 99, 0, 0, 0), ["EINVAL", "ENODEV"], "the kernel was asked for another group")

UFFD_USER_MODE_ONLY = 1
refused(lambda: syscall("userfaultfd", UFFD_USER_MODE_ONLY), "a descriptor of page faults is open")

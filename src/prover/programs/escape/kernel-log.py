SYSLOG_ACTION_READ_ALL = 3
text = buffer(4096)
refused(lambda: syscall("syslog", SYSLOG_ACTION_READ_ALL, text, 4096), "the kernel’s log can be read")

name = os.uname().nodename.encode()
refused(lambda: syscall("sethostname", name, len(name)), "the host name may be set")

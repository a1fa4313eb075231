name = read("/proc/sys/kernel/domainname").strip() if os.path.exists("/proc/sys/kernel/domainname") else b"(none)"
refused(lambda: syscall("setdomainname", name, len(name)), "the domain name may be set")

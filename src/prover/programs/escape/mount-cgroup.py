os.mkdir("/tmp/groups")
first_refusal([(kind + " is mounted", lambda kind=kind, data=data: syscall("mount", "none", "/tmp/groups", kind, 0, data))
               for kind, data in (("cgroup2", None), ("cgroup", "rdma"), ("cgroup", "memory"))])

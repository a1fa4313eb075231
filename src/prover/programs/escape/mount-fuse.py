try:
    server = os.open("/dev/fuse", os.O_RDWR)
except OSError:
    server = 0
options = "fd=" + str(server) + ",rootmode=40000,user_id=0,group_id=0"
let_through(lambda: syscall("mount", "fuse", "/tmp", "fuse", 0, options), ["EINVAL"] if server else [], "FUSE is mounted")

named = ["/run/docker.sock", "/var/run/docker.sock", "/run/containerd/containerd.sock", "/run/crio/crio.sock", "/run/podman/podman.sock",
         "/run/dbus/system_bus_socket", "/run/systemd/private", "/run/systemd/notify", "/run/snapd.socket", "/run/ward.sock"]
def sockets(root):
    import stat
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            if attempt(lambda: os.lstat(path)) == "ok" and stat.S_ISSOCK(os.lstat(path).st_mode):
                yield path
def talk(path):
    socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).connect(path)
found(named + [path for root in ("/run", "/var", "/tmp", "/dev") for path in sockets(root)], talk, "connected")

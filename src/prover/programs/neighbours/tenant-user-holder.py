holds(map=read("/proc/self/uid_map").decode().split())

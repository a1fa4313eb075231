mine = read("/proc/self/uid_map").decode().split()
if mine == facts["neighbour"]["map"]:
    escaped("both have user ids from " + mine[1])
blocked("absent", "user ids from " + mine[1] + " and from " + facts["neighbour"]["map"][1])

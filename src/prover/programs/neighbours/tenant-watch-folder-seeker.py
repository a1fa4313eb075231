import fcntl
DN_ACCESS, DN_MULTISHOT = 1, 0x80000000
folder = os.open(facts["neighbour"]["folder"], os.O_RDONLY)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGIO])
try:
    syscall("fcntl", folder, fcntl.F_NOTIFY, DN_ACCESS | DN_MULTISHOT)
except OSError as error:
    blocked(error)
if signal.sigtimedwait([signal.SIGIO], 0.5) is not None:
    escaped("it saw the neighbour read in " + facts["neighbour"]["folder"])
blocked("absent", "it saw nothing of the neighbour")

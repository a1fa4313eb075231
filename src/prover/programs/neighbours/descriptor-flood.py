most = facts["rlimits"]["RLIMIT_NOFILE"]
try:
    for number in range(most + 16):
        os.open("/dev/null", os.O_RDONLY)
except OSError as error:
    blocked(error, "after %d" % number)
escaped("%d files are open, %d are allowed" % (number + 1, most))

os.write(os.open("/dev/null", os.O_WRONLY), b"")
marker = os.urandom(8).hex()
if os.fork() == 0:
    os.execv(os.path.realpath(sys.executable), ["python3", "-I", "-c", "import time; time.sleep(60)", marker])
holds(marker=marker)

open("/tmp/tool", "w").close()
try:
    os.chmod("/tmp/tool", 0o4755)
except OSError as error:
    blocked(error)
if os.statvfs("/tmp").f_flag & os.ST_NOSUID:
    blocked("refused", "the bit has no effect: /tmp is mounted nosuid")
escaped("a set-uid file lies in /tmp, which is not mounted nosuid")

import resource
raised = []
for name, value in sorted(facts["rlimits"].items()):
    kind = 10 if name == "RLIMIT_LOCKS" else getattr(resource, name)
    if resource.getrlimit(kind)[1] > value or resource.getrlimit(kind)[1] == -1:
        escaped(name + " is " + str(resource.getrlimit(kind)[1]) + ", and not " + str(value))
    try:
        resource.setrlimit(kind, (value, value + 1))
        raised.append(name)
    except (OSError, ValueError):
        pass
if raised:
    escaped("raised: " + ", ".join(raised))
blocked("EPERM", "none of %d limits can be raised" % len(facts["rlimits"]))

# Begins with parts/process-status.py.
sets = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]
held = [name + " " + status(name) for name in sets if int(status(name) or "0", 16) != 0]
if held:
    escaped(", ".join(held))
blocked("absent", "all sets are empty")

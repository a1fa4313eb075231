ARCH_SET_GS, ARCH_SET_CPUID, ARCH_REQ_XCOMP_PERM, ARCH_ENABLE_TAGGED_ADDR, ARCH_SHSTK_STATUS = 0x1001, 0x1012, 0x1023, 0x4002, 0x5005
nr("arch_prctl")
answers = []
for code, value in ((ARCH_SET_CPUID, 1), (ARCH_REQ_XCOMP_PERM, 18), (ARCH_ENABLE_TAGGED_ADDR, 6), (ARCH_SET_GS, 0), (ARCH_SHSTK_STATUS, 0)):
    answers.append(attempt(lambda: syscall("arch_prctl", code, value)))
    # ENODEV, EINVAL, EOPNOTSUPP: the filter allowed the call, but this processor lacks the feature.
    if answers[-1] != "EPERM":
        escaped("arch_prctl 0x%x is allowed: %s" % (code, answers[-1]))
blocked(answers[0], "%d ways" % len(answers))

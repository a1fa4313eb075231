word = buffer(8)
LOCK_PI, UNLOCK_PI, TRYLOCK_PI, WAIT_REQUEUE_PI, LOCK_PI2, PRIVATE = 6, 7, 8, 11, 13, 128
first_refusal([("locked", lambda: syscall("futex", word, LOCK_PI | PRIVATE, 0, None, None, 0)),
               ("tried", lambda: syscall("futex", word, TRYLOCK_PI, 0, None, None, 0)),
               ("locked by the newer way", lambda: syscall("futex", word, LOCK_PI2 | PRIVATE, 0, None, None, 0)),
               ("locked behind high bits", lambda: syscall("futex", word, 1 << 32 | LOCK_PI, 0, None, None, 0))])

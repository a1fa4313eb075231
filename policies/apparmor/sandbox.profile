# The AppArmor profile of Ward's sandboxes. Ward fills in what stands between @ signs from the policy of the
# sandbox, and loads it (apparmor.d(5)). What is not allowed here is refused and audited; `audit deny` is for what
# would be allowed by a wider rule.
abi <abi/@ABI@>,

profile @NAME@ flags=(attach_disconnected,mediate_deleted) {
  # The sockets of the seccomp list; no raw, packet, vsock, alg or bluetooth ones.
  network unix,
  network inet stream,
  network inet dgram,
  network inet6 stream,
  network inet6 dgram,
  network netlink raw,
  unix,

  # Ward and the runtime end sandboxes by signals; inside, processes signal and see each other.
  signal (receive) peer=unconfined,
  signal (receive) peer={crun,runc,ward},
  signal (send, receive) peer=@NAME@,
  ptrace (read, readby) peer=@NAME@,

  # The image and the code: read, mapped and run under this profile. Nothing of it is written.
  / r,
  /** rmix,

  # Locks, but none on the system's files: sandboxes of an image share them, and could signal each other so.
  /** k,
  audit deny /{bin,boot,etc,lib*,sbin,usr}/** k,

  # Devices.
  /dev/{full,null,random,tty,urandom,zero} rw,
  audit deny /dev/* mx,

  # Nothing in /proc is written, and what shows memory and kernel addresses is not read, not even one's own.
  audit deny @PROC@/** wl,
  audit deny @PROC@/*/{mem,pagemap,syscall,stack,wchan,numa_maps,mountstats} r,
  audit deny @PROC@/*/task/*/{mem,pagemap,syscall,stack,wchan,numa_maps,mountstats} r,
  audit deny /sys/** w,

@RULES@
}

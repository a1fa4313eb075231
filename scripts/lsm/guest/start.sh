#!/bin/sh
# Pid 1 of the test system, without systemd. Under SELinux it loads the policy and starts itself anew, so that it
# runs as what init would be. The second disk has Ward and the test; what that says goes to the second serial line.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
if [ "$1" != again ]; then
  mount -t proc -o nosuid,nodev,noexec proc /proc
  mount -t sysfs -o nosuid,nodev,noexec sys /sys
  mount -t securityfs securityfs /sys/kernel/security
  mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 /sys/fs/cgroup
  mount -t tmpfs -o mode=755,nosuid,nodev run /run
  mount -t tmpfs -o mode=1777,nosuid,nodev tmp /tmp
  # Every refusal counts here, also when many come at once.
  echo 0 >/proc/sys/kernel/printk_ratelimit
  if grep -q selinux /sys/kernel/security/lsm; then
    mount -t selinuxfs selinuxfs /sys/fs/selinux
    load_policy -i
    restorecon -R /dev /run /tmp
    exec /start.sh again
  fi
fi
ip link set lo up 2>/dev/null || busybox ip link set lo up
for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do
  echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control
done
mkdir -p /ward
mount ${1:+-o fscontext=system_u:object_r:fs_t:s0,defcontext=system_u:object_r:bin_t:s0} /dev/vdb /ward
mount -t tmpfs -o mode=755 data /var/lib
[ -z "$1" ] || restorecon -R /var/lib
/ward/run.sh >/dev/ttyS1 2>&1
busybox poweroff -f

#!/bin/sh
# Pid 1 of the test system, without systemd. Under SELinux it loads the policy and starts itself anew, so that it
# runs as what init would be. The other disks have what Ward stands on, and Ward with the test; what that says goes to
# the second serial line.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
[ "$1" = again ] || exec >/dev/console 2>&1
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
# Ward stands where it does outside: compiled code is kept under the names of its files.
root=$(sed 's/.*ward\.root=\([^ ]*\).*/\1/' /proc/cmdline)
mkdir -p /ward "$root"
labels=${1:+-o defcontext=system_u:object_r:bin_t:s0}
mount $labels /dev/vdb /ward
# Not by mount(8): its SELinux domain may not mount on a folder of /tmp, where a checkout may be.
busybox mount -t ext4 $labels /dev/vdc "$root"
mount -t tmpfs -o mode=755 data /var/lib
[ -z "$1" ] || restorecon -R /var/lib
/bin/sh "$root/scripts/lsm/guest/run.sh" "$root" >/dev/ttyS1 2>&1
# For the log that is shown when something failed.
busybox dmesg | grep -E 'apparmor="DENIED"|avc: +denied' | tail -n 60
busybox poweroff -f

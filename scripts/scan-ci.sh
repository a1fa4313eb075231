#!/bin/sh
# Scans an image, an archive, a folder or an SBOM in a CI job, and writes all reports to one folder. Exits like
# `ward image scan`: 0 allowed, 1 the policy is broken, 2 not judged.
set -u

usage='usage: scan-ci.sh REPORTS TARGET [OPTIONS of ward image scan]

REPORTS          folder for the reports; created if it is missing
WARD_DATA        folder for advisories and scan results of layers (REPORTS/.ward); cache it between jobs
WARD_ADVISORIES  file or folder with exports to import; `kept`: use the advisories in WARD_DATA; not set: use the
                 advisories in this container, or download them from their sources if it has none'

fail() {
  printf 'error[SCAN_CI]: %s\ntry:   %s\n' "$1" "$2" >&2
  exit 2
}

[ $# -ge 2 ] || fail 'REPORTS and TARGET are required' "$usage"
reports=$1
target=$2
shift 2
mkdir -p -- "$reports" 2>/dev/null && [ -w "$reports" ] ||
  fail "$reports can't be written to" "name a folder of user $(id -u), or run the container with --user"

# If this job ends early, the reports of an earlier one must not remain.
for name in report.json report.sarif junit.xml gl-container-scanning-report.json sbom.cdx.json sbom.spdx.json; do
  rm -f -- "$reports/$name" || exit 2
done

home=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 2
node=$home/node_modules/.bin/node
[ -x "$node" ] || node=node
data=${WARD_DATA:-$reports/.ward}

ward() {
  "$node" "$home/bin/ward.mjs" "$@"
}

# Only the scan may write to standard output.
advisories() {
  ward advisories "$@" --data "$data" >&2
}

case ${WARD_ADVISORIES-} in
kept) ;;
'')
  if [ -f "$home/advisories.db" ]; then
    set -- --advisories "$home/advisories.db" "$@"
  else
    # Without advisories the scan ends with 2; the policy limits their age.
    advisories update || echo 'the scan uses the earlier advisories, if there are any' >&2
  fi
  ;;
*)
  advisories import "$WARD_ADVISORIES" ||
    fail "$WARD_ADVISORIES could not be imported" 'fix the error above; ward does not fall back to an earlier import'
  ;;
esac

ward image scan "$target" --data "$data" --reports "$reports" "$@"

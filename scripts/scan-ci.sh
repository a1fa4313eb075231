#!/bin/sh
# Scans an image, an archive, a folder or an SBOM in a CI job, and leaves all reports in one folder. Ends as
# `ward image scan` does: 0 allowed, 1 the policy is broken, 2 not judged.
set -u

usage='usage: scan-ci.sh REPORTS TARGET [OPTIONS of ward image scan]

REPORTS          the folder for reports; made if it is missing
WARD_DATA        the folder for advisories and what is known of layers (REPORTS/.ward); keep it between jobs
WARD_ADVISORIES  exports to import, a file or a folder; `kept`: none, those in WARD_DATA count; not set: the
                 advisories of this container if it has some, else those of their sources'

fail() {
  printf 'error[SCAN_CI]: %s\ntry:   %s\n' "$1" "$2" >&2
  exit 2
}

[ $# -ge 2 ] || fail 'a folder for reports and a target are needed' "$usage"
reports=$1
target=$2
shift 2
mkdir -p -- "$reports" 2>/dev/null && [ -w "$reports" ] ||
  fail "$reports can't be written to" "name a folder of user $(id -u), or run the container with --user"

# A job that ends early must not leave the reports of an earlier one.
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
    advisories update || echo 'the earlier advisories are used, if there are any' >&2
  fi
  ;;
*)
  advisories import "$WARD_ADVISORIES" ||
    fail "$WARD_ADVISORIES could not be imported" 'see above; an earlier import does not stand in for it'
  ;;
esac

ward image scan "$target" --data "$data" --reports "$reports" "$@"

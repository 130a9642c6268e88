#!/usr/bin/env bash
# Builds stand-ins of the images that docker-compose.yml names, out of what is
# built on this machine, so that the stack comes up where no registry is reached:
#
#   schload, collector, prometheus  the binaries of make, alone
#   redis                           redis-server of this machine with the libraries it is linked to
#   grafana                         no Grafana: a program that looks whether Grafana would find its files (./grafana)
#
# Images are imported rather than built: an engine of any age can do that, and
# nothing but the listed files is in them. The caller sets SCHLOAD, OTELCOL,
# PROMETHEUS and PROMTOOL to programs; ROOTS is where images are put together.
set -euo pipefail
cd "$(dirname "$0")/../../.."

: "${SCHLOAD:?}" "${OTELCOL:?}" "${PROMETHEUS:?}" "${PROMTOOL:?}"
roots=$(realpath -m "${ROOTS:-build/standins}")
rm -rf "$roots"

# put FILE PATH NAME: the file at this path of the image of this name.
put() {
  install -D --mode=755 "$1" "$roots/$3/$2"
}

# import NAME UID INSTRUCTION...: the image, whose folders belong to the user
# that volumes mounted on them are for.
import() {
  local name=$1 uid=$2 changes=()
  shift 2
  for instruction in "$@"; do changes+=(--change "$instruction"); done
  tar --create --directory="$roots/$name" --owner="owner:$uid" --group="owner:$uid" . |
    docker import "${changes[@]}" - "schload-standin/$name:dev" > /dev/null
  echo "schload-standin/$name:dev"
}

put "$SCHLOAD" schload schload
mkdir "$roots/schload/bundles"
import schload 65532 'WORKDIR /bundles' 'USER 65532:65532' 'ENTRYPOINT ["/schload"]'

put "$OTELCOL" otelcol-contrib collector
put "$SCHLOAD" schload collector
import collector 10001 'USER 10001' 'ENTRYPOINT ["/otelcol-contrib"]'

put "$PROMETHEUS" bin/prometheus prometheus
put "$PROMTOOL" bin/promtool prometheus
mkdir "$roots/prometheus/prometheus"
import prometheus 65534 'USER 65534' 'ENTRYPOINT ["/bin/prometheus"]'

for program in redis-server redis-cli; do
  path=$(command -v "$program")
  put "$path" "usr/bin/$program" redis
  for library in $(ldd "$path" | grep -o '/[^ ]*'); do put "$library" "$library" redis; done
done
import redis 999 'USER 999:1000'

(cd test/observability/standins/grafana && CGO_ENABLED=0 go build -trimpath -o "$roots/standin" .)
put "$roots/standin" grafana grafana
put "$roots/standin" usr/bin/wget grafana # what the healthcheck runs
mkdir -p "$roots/grafana/var/lib/grafana"
import grafana 472 'USER 472' 'ENTRYPOINT ["/grafana"]'

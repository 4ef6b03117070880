#!/usr/bin/env bash
# What can be said of deploy/ without a container engine: `./x deploy` runs it with the binary and a folder that has a Python
# environment, on the Postgres of DATABASE_URL.
set -euo pipefail
cd "$(dirname "$0")/.."
binary=$1
home=$(realpath "$2")
python="$home/venv/bin/python"
export PYTHONDONTWRITEBYTECODE=1 PATH="$home:$PATH"

step() { printf '%s\n' "$*" >&2; }

step 'YAML: docker-compose.yml, deploy/, .github/'
"$home/venv/bin/yamllint" --strict -c deploy/check/yamllint.yml docker-compose.yml deploy .github
"$home/venv/bin/check-jsonschema" --builtin-schema vendor.compose-spec docker-compose.yml
"$home/venv/bin/check-jsonschema" --builtin-schema vendor.github-workflows .github/workflows/*.yml

step 'Prometheus: configuration, rules, and their tests'
# Debian's promtool has been built without Kubernetes: the rest of that file is checked by itself.
sed '/kubernetes_sd_configs:/,/names:/d' deploy/prometheus/kubernetes.yml > "$home/kubernetes-scrape.yml"
promtool check config --syntax-only "$home/kubernetes-scrape.yml"
promtool check config deploy/prometheus/prometheus.yml
promtool test rules deploy/prometheus/tests/*.yml

step 'Kubernetes: both overlays, as kustomize puts them together'
rendered=()
rm -rf "$home/kubernetes"
cp -r deploy/kubernetes "$home/"
for overlay in production single-node; do
  folder="$home/kubernetes/overlays/$overlay"
  cp "$folder/secrets.env.example" "$folder/secrets.env"
  "$python" deploy/check/kustomize.py "$folder" > "$home/$overlay.yml"
  "$home/venv/bin/kubernetes-validate" --strict --quiet -k 1.33 "$home/$overlay.yml"
  rendered+=("$home/$overlay.yml")
done
rm -rf "$home/kubernetes"

step 'Commands: each as it stands there'
"$python" deploy/check/commands.py "$binary" "${rendered[@]}"

step 'Figures: what alerts and dashboards ask for is told'
"$python" deploy/check/figures.py "$binary"

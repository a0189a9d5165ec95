#!/usr/bin/env bash
# Gradescope runs this once, when it builds the autograder: Python, isolation, torch and the grader.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export DEBIAN_FRONTEND=noninteractive

apt-get update -qq
apt-get install -y -qq --no-install-recommends python3 python3-venv bubblewrap libseccomp2

python3 -m venv "$root/venv"
pip=("$root/venv/bin/pip" install --quiet --no-cache-dir)
"${pip[@]}" "torch>=2.6,<2.14" "torchvision>=0.21,<0.29" --index-url https://download.pytorch.org/whl/cpu
"${pip[@]}" "$root"/source/hw3_grader-*.whl
if [ -s "$root/source/packages.txt" ]; then # what the assignment lets submissions import
    "${pip[@]}" -r "$root/source/packages.txt"
fi
"$root/venv/bin/hw3" doctor || true # for whoever reads the log of the build

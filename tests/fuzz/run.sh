#!/bin/sh
# SPDX-License-Identifier: MIT
# A run of one fuzz target with a fixed seed: its corpus, then RUNS inputs. What it finds new goes
# to a directory of its own, so that the corpus in the source tree stays as it is; an input that
# fails is left in the working directory. Usage: run.sh PROGRAM FOLDER NAME RUNS
set -eu
program=$1 folder=$2 name=$3 runs=$4
found=$(mktemp -d)
trap 'rm -rf "$found"' EXIT

set -- -runs="$runs" -seed=1 -max_len=8192 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1
if [ -f "$folder/$name.dict" ]; then
    set -- "$@" -dict="$folder/$name.dict"
fi
"$program" "$@" -artifact_prefix="$name-" "$found" "$folder/corpus/$name"
